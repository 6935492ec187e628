// Promises about types, kept by the compiler: `tsc` of this folder fails when one of them breaks. What runs here is little.
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createStack, type LinkEndpoint, type NetworkPlugin, type Nic, type Plugin, type PluginItem, type StackBase, type TransportPlugin } from '@stack/core'

interface Tcp { connect(): Promise<number> }
interface Udp { open(): number }
interface V4 { readonly v4: 1 }
interface Arp { readonly arp: 1 }
type TcpPlugin = TransportPlugin<'tcp', Tcp>
type UdpPlugin = TransportPlugin<'udp', Udp>
type V4Plugin = NetworkPlugin<'ipv4', V4>
type ArpPlugin = NetworkPlugin<'arp', Arp, 'ipv4'>

declare function tcp(): TcpPlugin
declare function udp(): UdpPlugin
declare function ipv4(): V4Plugin
declare function arp(): ArpPlugin
declare const debug: boolean
declare function preset(): readonly [V4Plugin, ArpPlugin, TcpPlugin]

declare function use(value: unknown): void
/** How a library asks for what it needs. */
declare function serve(stack: { readonly tcp: Tcp }): void

/** Never called: it is compiled. */
export async function promises(link: LinkEndpoint & { readonly colour: 'red' }): Promise<void> {
  const stack = createStack({ plugins: [ipv4(), arp(), tcp(), debug && udp()], name: 'types' })
  expectTypeOf(stack.tcp).toEqualTypeOf<Tcp>()
  expectTypeOf(stack.udp).toEqualTypeOf<Udp | undefined>()
  // @ts-expect-error udp may be absent
  stack.udp.open()

  const nested = createStack({ plugins: [preset(), debug ? [udp()] : null] })
  expectTypeOf(nested.tcp).toEqualTypeOf<Tcp>()
  // @ts-expect-error APIs are read-only
  stack.tcp = nested.tcp
  expectTypeOf(nested.udp).toEqualTypeOf<Udp | undefined>()

  // @ts-expect-error arp needs ipv4
  createStack({ plugins: [arp(), tcp()] })

  expectTypeOf(stack.find<UdpPlugin>('udp')).toEqualTypeOf<Udp | undefined>()
  // @ts-expect-error another name
  stack.find<UdpPlugin>('tcp')

  // @ts-expect-error not installed
  use(createStack({ plugins: [ipv4(), tcp()] }).udp)

  serve(stack)
  serve(nested)

  const either = createStack({ plugins: [ipv4(), debug ? tcp() : udp()] })
  // @ts-expect-error one of two
  void either.tcp.connect()
  expectTypeOf(either.tcp).toEqualTypeOf<Tcp | undefined>()

  // Lists whose content only run time knows: a plain stack, and `find`.
  const some: readonly PluginItem[] = []
  expectTypeOf(createStack({ plugins: some })).toExtend<StackBase>()
  const all: readonly Plugin[] = []
  expectTypeOf(createStack({ plugins: all })).toExtend<StackBase>()
  expectTypeOf(createStack({ plugins: all }).name).toEqualTypeOf<string>()
  // @ts-expect-error nobody knows
  use(createStack({ plugins: all }).tcp)
  const few: readonly (TcpPlugin | UdpPlugin)[] = []
  expectTypeOf(createStack({ plugins: few }).tcp).toEqualTypeOf<Tcp | undefined>()

  // @ts-expect-error an option that does not exist
  createStack({ plugins: [], colour: 'red' })
  // @ts-expect-error not a plugin
  createStack({ plugins: [{ name: 'x' }] })

  const nic = await stack.addNic(link)
  expectTypeOf(nic.link.colour).toEqualTypeOf<'red'>()
  expectTypeOf(nic).toExtend<Nic>()
}

describe('types', () => {
  it('are checked by the compiler', () => {
    expect(promises).toBeTypeOf('function')
  })
})
