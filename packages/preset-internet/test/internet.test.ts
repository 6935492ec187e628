import { createStack, type StackOptions } from '@stack/core'
import type { Icmp } from '@stack/icmp'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'
import type { Tcp } from '@stack/tcp'
import { leaksOf, manualClock } from '@stack/testing'
import type { Udp } from '@stack/udp'
import { describe, expect, expectTypeOf, it } from 'vitest'

describe('the preset', () => {
  it('installs what it says, and the types know it', () => {
    const stack = createStack({ plugins: [internet()], clock: manualClock() })
    expectTypeOf(stack.tcp).toEqualTypeOf<Tcp>()
    expectTypeOf(stack.udp).toEqualTypeOf<Udp>()
    expectTypeOf(stack.icmp).toEqualTypeOf<Icmp>()
    expect(stack).toMatchObject({ tcp: {}, udp: {}, icmp: {} })
    expect(stack.formatAddress(stack.parseAddress('10.0.0.1'))).toBe('10.0.0.1')
    expect(stack.formatAddress(stack.parseAddress('FD00:0::1'))).toBe('fd00::1')
    stack.destroy()
  })

  it('hands options to the protocols', async () => {
    const clock = manualClock()
    const [left, right] = pipe()
    const stack = createStack({ plugins: [internet({ tcp: { noDelay: true }, ipv4: { defaultTtl: 7 } })], clock })
    const other = createStack({ plugins: [internet()], clock })
    await stack.addNic(left, { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
    await other.addNic(right, { addresses: ['10.0.0.2/24'], skipDuplicateDetection: true })
    other.tcp.listen({ port: 7 })
    const connection = await clock.until(stack.tcp.connect({ host: '10.0.0.2', port: 7 }))
    expect(connection.options.noDelay).toBe(true)
    expect((await clock.until(other.icmp.ping('10.0.0.1'))).ttl).toBe(7)
    stack.destroy()
    other.destroy()
    await clock.settle()
    expect([...leaksOf(stack), ...leaksOf(other)]).toEqual([])
  })

  it('refuses options that no protocol has', () => {
    const make = (options: object, stack: StackOptions = {}): unknown => createStack({ plugins: [internet(options)], ...stack })
    for (const name of ['ipv4', 'arp', 'ipv6', 'tcp', 'udp']) {
      expect(() => make({ [name]: { nonsense: true } }), name).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }) as Error)
    }
    expect(() => make({ icmp: {} })).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }) as Error)
  })

  it('joins two hosts over Ethernet, by both families', async () => {
    const clock = manualClock()
    const [left, right] = pipe({ framing: 'ethernet' })
    const a = createStack({ plugins: [internet()], clock })
    const b = createStack({ plugins: [internet()], clock })
    await clock.until(a.addNic(left, { addresses: ['10.0.0.1/24', 'fd00::1/64'] }))
    await clock.until(b.addNic(right, { addresses: ['10.0.0.2/24', 'fd00::2/64'] }))
    await clock.advance(10_000)
    for (const host of ['10.0.0.1', 'fd00::1']) expect(await clock.until(b.icmp.ping(host))).toMatchObject({ host, size: 56 })
    a.destroy()
    b.destroy()
    await clock.settle()
    expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
  })
})
