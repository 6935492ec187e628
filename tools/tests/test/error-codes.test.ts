import { createPacketMemory } from '@stack/buffer'
import { createStack, ERROR_CODES, isStackError, type ErrorCode, type LinkEndpoint, type Plugin } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel } from '@stack/link-channel'
import { loopback } from '@stack/link-loopback'
import { udp } from '@stack/udp'
import { manualClock } from '@stack/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fullStack, pairOfStacks, type FullStack, type Pair } from './support/world.ts'

const RIGHT = '10.0.0.2'
const bytes = new Uint8Array(10)

let pair: Pair
beforeEach(async () => {
  pair = await pairOfStacks()
})
afterEach(() => {
  pair.end()
})

/** One way to raise each code. */
const RAISE: Partial<Record<ErrorCode, () => unknown>> = {
  EACCES: () => pair.left.udp.bind().send(bytes, { host: '10.0.0.255', port: 9 }),
  EADDRINUSE() {
    pair.left.udp.bind({ port: 9 })
    pair.left.udp.bind({ port: 9 })
  },
  EADDRNOTAVAIL: () => pair.left.tcp.listen({ host: RIGHT, port: 80 }),
  EAFNOSUPPORT: () => pair.left.udp.bind({ host: '10.0.0.1' }).send(bytes, { host: 'fd00::2', port: 9 }),
  async ECONNABORTED() {
    const connection = await connected(pair)
    connection.abort()
    await connection.closed
  },
  ECONNREFUSED: () => pair.clock.until(pair.left.tcp.connect({ host: RIGHT, port: 81 })),
  async ECONNRESET() {
    const connection = await connected(pair)
    pair.right.tcp.connections()[0]!.abort()
    await pair.clock.until(connection.read(new Uint8Array(10)))
  },
  async EHOSTDOWN() {
    const clock = manualClock()
    const stack = createStack({ plugins: [ipv6(), udp()], clock })
    await stack.addNic(channel({ framing: 'ethernet' }), { addresses: ['fd00::1/64'], skipDuplicateDetection: true })
    const socket = stack.udp.connect({ host: 'fd00::9', port: 9 })
    socket.send(bytes)
    await clock.until(socket.receive()).finally(() => stack.destroy())
  },
  async EHOSTUNREACH() {
    const { clock, left, right } = pair
    right.ipv4.forwarding = true
    await right.addNic(channel(), { addresses: ['10.1.0.1/24'], skipDuplicateDetection: true })
    left.routes.add({ destination: 'default', gateway: RIGHT })
    await clock.until(left.icmp.ping('10.1.0.9', { ttl: 1 }))
  },
  EINVAL: () => pair.left.udp.bind().send(bytes, { host: RIGHT, port: 0 }),
  EMSGSIZE: () => pair.left.udp.bind().send(new Uint8Array(65_508), { host: RIGHT, port: 9 }),
  ENETDOWN() {
    const socket = pair.left.raw.packet({ nic: 1 })
    pair.left.nics[0]!.down()
    socket.send(new Uint8Array(20))
  },
  ENETUNREACH: () => pair.left.udp.connect({ host: '192.0.2.1', port: 9 }),
  async ENOBUFS() {
    const stack = fullStack({ clock: pair.clock, memory: createPacketMemory({ size: 1 << 20 }).pool({ slots: 1 }) })
    await stack.addNic(channel(), { addresses: ['10.0.0.9/24'], skipDuplicateDetection: true })
    stack.udp.connect({ host: RIGHT, port: 9 }).send(bytes)
    await stack.icmp.ping(RIGHT).finally(() => stack.destroy())
  },
  ENODEV: () => pair.left.udp.bind({ nic: 'eth7' }),
  async ENOPROTOOPT() {
    const ours = channel()
    await pair.left.addNic(ours, { addresses: ['10.5.0.1/24'], skipDuplicateDetection: true })
    const socket = pair.left.udp.connect({ host: '10.5.0.2', port: 9 })
    socket.send(bytes)
    await pair.clock.settle()
    ours.inject(icmpAbout(ours.tryRead()!, 3, 2))
    await pair.clock.until(socket.receive())
  },
  ENOTCONN: () => pair.left.udp.bind().send(bytes),
  async EPIPE() {
    const connection = await connected(pair)
    connection.shutdown('write')
    await connection.write(bytes)
  },
  async EPROTO() {
    const link = channel()
    await pair.left.addNic(link, { addresses: ['10.5.0.1/24'], skipDuplicateDetection: true })
    const socket = pair.left.udp.connect({ host: '10.5.0.2', port: 9 })
    socket.send(bytes)
    await pair.clock.settle()
    link.inject(icmpAbout(link.tryRead()!, 12, 0))
    await pair.clock.until(socket.receive())
  },
  async ETIMEDOUT() {
    await pair.left.addNic(channel(), { addresses: ['10.5.0.1/24'], skipDuplicateDetection: true })
    await pair.clock.until(pair.left.icmp.ping('10.5.0.2'))
  },
  ERR_STACK_ALREADY_INSTALLED: () => createStack({ plugins: [udp(), udp()] as never }),
  ERR_STACK_API_VERSION: () => createStack({ plugins: [{ ...udp(), apiVersion: 2 }] as never }),
  async ERR_STACK_BUSY() {
    const socket = pair.left.udp.bind()
    void socket.receive()
    await socket.receive()
  },
  async ERR_STACK_CLOSED() {
    pair.left.destroy()
    await pair.left.addNic(loopback())
  },
  ERR_STACK_INVALID_ADDRESS: () => pair.left.parseAddress('example.org'),
  ERR_STACK_INVALID_ARGUMENT() {
    pair.left.nics[0]!.setMtu(1)
  },
  ERR_STACK_INVALID_OPTION: () => pair.left.udp.bind({ port: 70_000 }),
  ERR_STACK_LIMIT() {
    const stack = createStack({ plugins: [ipv4(), udp({ maxSockets: 1 })], clock: pair.clock })
    try {
      stack.udp.bind()
      stack.udp.bind()
    } finally {
      stack.destroy()
    }
  },
  async ERR_STACK_MISSING_PLUGIN() {
    const stack = createStack({ plugins: [ipv4()], clock: pair.clock })
    await stack.addNic(channel({ framing: 'ethernet' }), { addresses: ['10.0.0.1/24'] }).finally(() => stack.destroy())
  },
  async ERR_STACK_NOT_SUPPORTED() {
    const rigid = Object.assign(channel(), { setMtu: undefined }) as unknown as LinkEndpoint
    const nic = await pair.left.addNic(rigid)
    nic.setMtu(9000)
  },
  ERR_STACK_SETUP() {
    const broken: Plugin = { kind: 'transport', name: 'broken', apiVersion: 1, setup: () => ({}) }
    createStack({ plugins: [broken] })
  },
}

describe.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s', (code) => {
  it('is raised through the API, with a sentence', async () => {
    const raise = RAISE[code]
    expect(raise, 'a way to raise it').toBeDefined()
    const error: unknown = await Promise.resolve().then(raise).then(() => 'nothing was raised', (reason: unknown) => reason)
    expect(isStackError(error) ? error.code : error).toBe(code)
    const { message } = error as Error
    expect(message.length).toBeGreaterThan(20)
    expect(message).toMatch(/[.!]$/)
    expect(message).not.toContain('undefined')
  })
})

async function connected({ clock, left, right }: Pair): Promise<Awaited<ReturnType<FullStack['tcp']['connect']>>> {
  const listener = right.tcp.listen({ port: 80 })
  const connection = await clock.until(left.tcp.connect({ host: RIGHT, port: 80 }))
  await clock.until(listener.accept())
  return connection
}

/** An ICMPv4 error from whom `about` went to. */
function icmpAbout(about: Uint8Array, type: number, code: number): Uint8Array {
  const packet = new Uint8Array(28 + about.length)
  const view = new DataView(packet.buffer)
  packet.set([0x45, 0, 0, packet.length, 0, 0, 0, 0, 64, 1], 0)
  packet.set(about.subarray(16, 20), 12)
  packet.set(about.subarray(12, 16), 16)
  packet.set([type, code], 20)
  packet.set(about, 28)
  view.setUint16(10, checksum(packet.subarray(0, 20)))
  view.setUint16(22, checksum(packet.subarray(20)))
  return packet
}

function checksum(data: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < data.length; i += 2) sum += (data[i]! << 8) | (data[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
