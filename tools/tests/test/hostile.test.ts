import { createPacketMemory } from '@stack/buffer'
import { seededRandom, type StackBase } from '@stack/core'
import { channel, type ChannelLink } from '@stack/link-channel'
import { leaksOf, manualClock, spoiler } from '@stack/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { recordTraffic } from './support/corpus.ts'
import { fullStack, type FullStack } from './support/world.ts'

/** For each of four stacks, so 120,000 together. */
const PACKETS = 30_000
const QUOTA = 4 << 20

let corpus: Uint8Array[] = []
beforeAll(async () => {
  corpus = await recordTraffic()
})

it('the traffic to spoil is of every kind', () => {
  const kinds = new Set(corpus.map((frame) => {
    const type = (frame[12]! << 8) | frame[13]!
    return type === 0x0800 ? `4/${frame[23]!}` : type === 0x86dd ? `6/${frame[20]!}` : type.toString(16)
  }))
  expect([...kinds].sort()).toEqual(['4/1', '4/17', '4/253', '4/6', '6/17', '6/253', '6/44', '6/58', '6/6', '806'])
})

describe.each([
  { framing: 'ethernet', forwarding: false }, { framing: 'ethernet', forwarding: true },
  { framing: 'ip', forwarding: false }, { framing: 'ip', forwarding: true },
] as const)('a hostile network, $framing, forwarding $forwarding', ({ framing, forwarding }) => {
  it(`${PACKETS} packets: nothing throws, all are counted, nothing grows, nothing leaks`, async () => {
    const clock = manualClock()
    const errors: unknown[] = []
    const memory = createPacketMemory({ size: 32 << 20 }).pool({ quota: QUOTA })
    const stack = fullStack({
      clock, memory, internet: { ipv4: { forwarding }, ipv6: { forwarding } }, onError: (error) => errors.push(error),
    })
    // The stack plays the one that the recorded frames went to; 02:…:02 with addresses of both ends.
    const link = channel({ framing, ...(framing === 'ethernet' ? { linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 2) } : {}) })
    const other = channel()
    await stack.addNic(link, { addresses: ['10.0.0.2/24', 'fd00::2/64'], skipDuplicateDetection: true, promiscuous: framing === 'ethernet' && forwarding })
    await stack.addNic(other, { addresses: ['10.9.0.1/16', 'fd09::1/64'], skipDuplicateDetection: true })
    use(stack)
    const random = seededRandom(framing.length + (forwarding ? 100 : 0))
    const { pick, spoil } = spoiler(random)
    const nic = stack.nics[0]!
    let injected = 0
    let worst = 0
    for (let i = 0; i < PACKETS; i++) {
      const frame = spoil(corpus[pick(corpus.length)]!)
      const isSampled = i % 20 === 0
      const before = isSampled ? accounted(stack) : 0
      if (inject(link, frame)) injected++
      else continue
      // A turn may end when its budget is spent; the rest comes with the macrotask.
      clock.advanceSync(0)
      if (isSampled) expect(accounted(stack), `packet ${i}: ${hex(frame)}`).toBeGreaterThan(before)
      worst = Math.max(worst, memory.held)
      if (i % 64 === 0) {
        clock.advanceSync(pick(200))
        drain(link, other)
      }
      if (i % 1000 === 0) {
        await clock.settle()
        // A host whose address is claimed again and again gives it up (RFC 5227 §2.4): its owner insists.
        if (!nic.addresses.some(({ address, state }) => address === '10.0.0.2' && state === 'assigned')) {
          nic.removeAddress('10.0.0.2')
          await nic.addAddress('10.0.0.2/24', { skipDuplicateDetection: true })
        }
      }
    }
    expect(injected).toBeGreaterThan(PACKETS * 0.9)
    const { rxPackets, dropNoMemory, dropDisabled } = nic.statistics
    expect(rxPackets + dropDisabled).toBeGreaterThanOrEqual(injected - dropNoMemory)
    expect(worst).toBeLessThanOrEqual(QUOTA)
    expect(errors).toEqual([])
    // Every layer had its share: the packets are not all dropped at the door.
    const { protocols } = stack.statistics()
    for (const name of ['ipv4', 'ipv6', 'tcp', 'udp', 'transport', 'raw']) expect(sumOf(protocols[name]!), name).toBeGreaterThan(500)
    // What waits for time gets it.
    drain(link, other)
    clock.advanceSync(600_000)
    await clock.settle()
    drain(link, other)
    // It still works.
    for (const host of ['10.9.0.1', 'fd09::1']) expect(await clock.until(stack.icmp.ping(host))).toMatchObject({ host })
    stack.destroy()
    await clock.settle()
    expect(memory.packets).toBe(0)
    expect(leaksOf(stack)).toEqual([])
  })
})

/** Something of everything is open, and somebody uses it. */
function use(stack: FullStack): void {
  const echo = stack.udp.bind({ port: 7 })
  echo.setHandler({
    datagram(data, remote) {
      try {
        echo.send(data, remote)
      } catch {
        // A sender whose address nothing leads to.
      }
    },
  })
  stack.udp.bind({ port: 9 })
  stack.udp.connect({ host: '10.0.0.1', port: 5000 }).setHandler({})
  stack.tcp.listen({ port: 80 }).setHandler((connection) => {
    const buffer = new Uint8Array(2048)
    connection.setHandler({
      readable() {
        for (let n = connection.tryRead(buffer); typeof n === 'number' && n > 0; n = connection.tryRead(buffer)) connection.tryWrite(buffer.subarray(0, n))
      },
    })
  })
  // Nobody accepts from this one.
  stack.tcp.listen({ port: 81 })
  stack.tcp.connect({ host: '10.0.0.1', port: 80 }).catch(() => undefined)
  stack.raw.open({ protocol: 0 }).setHandler(() => undefined)
  // Nobody reads these.
  stack.raw.open({ protocol: 58, networkProtocol: 0x86dd })
  stack.raw.packet()
  stack.icmp.open('10.0.0.1').ping({ timeout: 60_000 }).catch(() => undefined)
}

function inject(link: ChannelLink, frame: Uint8Array): boolean {
  if (link.framing === 'ethernet') return link.inject(frame)
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0)
  return link.inject(frame.subarray(Math.min(14, frame.length)), type === 0 ? 0x0800 : type)
}

function drain(...links: readonly ChannelLink[]): void {
  for (const link of links) for (let packet = link.take(); packet !== null; packet = link.take()) packet.release()
}

/** Every counter that says what became of a packet: not that it came in, or was seen by a raw socket, nor what was sent. No gauges. */
function accounted(stack: StackBase): number {
  let sum = 0
  const { nics, protocols } = stack.statistics()
  const groups = [...Object.values(nics), ...Object.entries(protocols).filter(([name]) => name !== 'raw').map(([, counters]) => counters)]
  for (const counters of groups) {
    for (const [name, value] of Object.entries(counters)) if (!/^(rx|tx)|^received$|sent$|held$|^datagrams$/i.test(name)) sum += value
  }
  return sum
}

function sumOf(counters: Readonly<Record<string, number>>): number {
  return Object.values(counters).reduce((sum, value) => sum + value, 0)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
