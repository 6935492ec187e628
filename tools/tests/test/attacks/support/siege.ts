import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createPacketMemory, type PacketPool } from '@stack/buffer'
import { seededRandom, type Random } from '@stack/core'
import { channel, type ChannelLink } from '@stack/link-channel'
import { internet, type InternetOptions } from '@stack/preset-internet'
import { createTestStack, ipv4, ipv6, type Family, type Layer, type PeerLink } from '@stack/testing'

/** The stack under attack, and its friend. */
export const STACK = { ipv4: '10.0.0.1', ipv6: 'fd00::1' } as const
export const FRIEND = { ipv4: '10.0.0.2', ipv6: 'fd00::2' } as const

/** Hostile packets that come in one batch. */
const BATCH = 32

/** Options of {@link siege}. */
interface SiegeOptions {
  readonly internet?: InternetOptions
  readonly framing?: 'ip' | 'ethernet'
  /** Bytes of packet memory that the stack may hold. Default 16 MiB. */
  readonly quota?: number
  readonly mtu?: number
}

/** What an attack cost. */
interface Toll {
  readonly packetsIn: number
  readonly bytesIn: number
  readonly packetsOut: number
  readonly bytesOut: number
  /** The most packet memory that was held while it lasted. */
  readonly held: number
  /** Bytes of the heap that are still in use behind it, and were not before. */
  readonly kept: number
}

export type Siege = Awaited<ReturnType<typeof siege>>

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A stack (10.0.0.1/8, fd00::1/16) with an attacker on its link, and a friend (10.0.0.2, fd00::2), who speaks through `friend`. */
export async function siege({ internet: options, framing = 'ip', quota = 16 << 20, mtu = 1500 }: SiegeOptions = {}) {
  const memory: PacketPool = createPacketMemory({ size: quota + (8 << 20) }).pool({ quota })
  const link: ChannelLink = channel({ framing, mtu, limit: 65_536 })
  const { stack, clock, nic, end } = await createTestStack({
    plugins: [internet(options)], link, memory, addresses: [`${STACK.ipv4}/8`, `${STACK.ipv6}/16`],
  })
  // What a stack says when it begins (duplicate detection, group reports) is no answer to anybody.
  await clock.advance(10_000)
  const random: Random = seededRandom(7)
  const letters: Uint8Array[] = []
  let packetsIn = 0
  let bytesIn = 0
  let packetsOut = 0
  let bytesOut = 0
  let held = 0
  let isSpoofed = false

  /** Takes what the stack sent: the friend's is kept, the rest counted. */
  function drain(): void {
    held = Math.max(held, memory.held)
    for (let packet = link.take(); packet !== null; packet = link.take()) {
      if (!isSpoofed && isForFriend(packet.bytes, packet.start, framing)) letters.push(packet.bytes.slice(packet.start, packet.end))
      else {
        packetsOut++
        bytesOut += packet.end - packet.start
      }
      packet.release()
    }
  }

  function run(ms = 0): void {
    // Promises do not settle here, and turns that wait for a microtask do not come by themselves.
    clock.scheduler.run()
    clock.advanceSync(ms)
    drain()
  }

  function hit(bytes: Uint8Array): void {
    packetsIn++
    bytesIn += bytes.length
    if (!link.inject(bytes)) throw new Error('The link dropped a hostile packet: the attack did not happen.')
    if (packetsIn % BATCH === 0) run()
  }

  const friend: PeerLink = {
    framing,
    inject: (bytes) => link.inject(bytes),
    tryRead: () => {
      drain()
      return letters.shift() ?? null
    },
  }

  /**
   * Runs an attack, whose packets go through `hit`, and says in one line what it cost: CPU with the making and injecting
   * of the packets, the peak of packet memory, and what the heap keeps. `spoofed`: the packets seem to be the friend's, so
   * what he gets is the answer to them.
   */
  function attack(name: string, work: () => void, { spoofed = false } = {}): Toll {
    run()
    isSpoofed = spoofed
    packetsIn = bytesIn = packetsOut = bytesOut = held = 0
    collect()
    const heap = process.memoryUsage().heapUsed
    const before = process.cpuUsage()
    work()
    run()
    const cpu = process.cpuUsage(before)
    collect()
    const kept = process.memoryUsage().heapUsed - heap
    isSpoofed = false
    tell(name, packetsIn, cpu.user + cpu.system, `held ≤ ${kib(held)}, heap ${kept < 0 ? '−' : '+'}${kib(Math.abs(kept))}, out/in ${(bytesOut / Math.max(1, bytesIn)).toFixed(2)}`)
    return { packetsIn, bytesIn, packetsOut, bytesOut, held, kept }
  }

  const tcp = (): Record<string, number> => stack.statistics().protocols['tcp']!
  const counters = (protocol: string): Record<string, number> => stack.statistics().protocols[protocol]!

  run()
  return { stack, clock, nic, link, memory, random, friend, hit, run, attack, tcp, counters, end }
}

/** One line about an attack. */
export function tell(name: string, packets: number, micros: number, more: string): void {
  console.log(`${name}: ${String(packets)} packets, ${(micros / Math.max(1, packets)).toFixed(2)} µs each; ${more}`)
}

/** The network header of a packet to the stack; by default the friend's address stands in it. */
export function network(family: Family, source: string = FRIEND[family]): Layer {
  return family === 'ipv4' ? ipv4({ source, destination: STACK.ipv4 }) : ipv6({ source, destination: STACK.ipv6 })
}

/** A source address for `Forgery.from`: anywhere in the stack's subnet, but not the two that are taken. */
export function stranger(random: Random): number {
  return 0x0a00_0100 | (random.uint32() & 0x00fe_ffff)
}

function kib(bytes: number): string {
  return `${String(Math.round(bytes / 1024))} KiB`
}

function isForFriend(bytes: Uint8Array, start: number, framing: 'ip' | 'ethernet'): boolean {
  const at = start + (framing === 'ethernet' ? 14 : 0)
  const end = bytes[at]! >> 4 === 4 ? at + 20 : at + 40
  const last = bytes[end - 1] === 2 && bytes[end - 2] === 0
  return last && (bytes[at]! >> 4 === 4 ? bytes[end - 4] === 10 && bytes[end - 3] === 0 : bytes[end - 16] === 0xfd && bytes[end - 15] === 0 && bytes[end - 5] === 0)
}
