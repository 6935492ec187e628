import { seededRandom } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { tcp } from '@stack/tcp'
import { createTestStack, ipv4 as ipv4Layer, ipv6 as ipv6Layer, packet, parsePacket, tcp as tcpLayer, toHex } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { receiveBatch, Sender, type SenderOptions } from './support/batches.ts'

/*
 * Generic receive offload changes nothing but the time that it takes: whatever comes, in batches, what the stack sends, what
 * the application reads, and every figure of the connection are the same with and without.
 */

const BATCHES = 60

interface Setup extends Pick<SenderOptions, 'family' | 'timestamps' | 'mss'> {
  readonly sack: boolean
  /** Flags of the SYN beside S: asks for ECN. */
  readonly ecn?: 'EC' | 'ECN'
  readonly receiveBuffer?: number
  /** Sequence number of the first byte. Default 1,000. */
  readonly start?: number
}

const SETUPS: Record<string, Setup> = {
  'IPv4, timestamps, SACK': { family: 'ipv4', timestamps: true, sack: true, mss: 1448 },
  'IPv6, no options': { family: 'ipv6', timestamps: false, sack: false, mss: 1440 },
  'small segments, a small buffer': { family: 'ipv4', timestamps: true, sack: true, mss: 100, receiveBuffer: 20_000 },
  'numbers that pass 2^31': { family: 'ipv6', timestamps: true, sack: true, mss: 1428, start: 2 ** 31 - 200_000 },
  'numbers that pass 2^32': { family: 'ipv4', timestamps: true, sack: false, mss: 1448, start: 2 ** 32 - 200_000 },
  'classic ECN': { family: 'ipv6', timestamps: true, sack: true, mss: 1428, ecn: 'EC' },
  'accurate ECN': { family: 'ipv4', timestamps: false, sack: true, mss: 1460, ecn: 'ECN' },
}

/** What one stack did about it all. */
interface Outcome {
  readonly sent: readonly string[]
  readonly read: string
  readonly info: unknown
  readonly counters: unknown
  readonly merged: number
}

async function live(setup: Setup, gro: boolean, seed: number): Promise<Outcome> {
  const { family, timestamps, sack, mss, ecn, receiveBuffer, start = 1000 } = setup
  const bench = await createTestStack({ plugins: [ipv4(), ipv6(), tcp()], seed, nic: { gro } })
  const { stack, clock } = bench
  const link = bench.link
  const random = seededRandom(seed)
  const listener = stack.tcp.listen({ port: 7000, ecn: ecn === undefined ? 'off' : 'accurate', ...(receiveBuffer === undefined ? {} : { receiveBuffer }) })
  const network = family === 'ipv4' ? ipv4Layer({ dontFragment: true }) : ipv6Layer()
  link.inject(packet(network, tcpLayer({
    flags: `S${ecn ?? ''}`, seq: start - 1, mss, windowScale: 7, sackPermitted: sack, ...(timestamps ? { timestamps: { value: 900, echo: 0 } } : {}),
  })))
  await bench.settle()
  const iss = parsePacket(link.tryRead()!).tcp!.seq
  const sender = new Sender(random, { family, timestamps, mss, start })
  sender.ack = (iss + 1) | 0
  await receiveBatch(bench, [sender.segment(start, 0)])
  const connection = (await listener.accept())!
  const sent: string[] = []
  let acked = start
  const into = new Uint8Array(1 << 20)
  let read = ''
  for (let i = 0; i < BATCHES; i++) {
    await receiveBatch(bench, sender.batch(1 + Math.floor(random.next() * 50)))
    for (let bytes = link.tryRead(); bytes !== null; bytes = link.tryRead()) {
      // What strangers get may leave earlier or later.
      const header = parsePacket(bytes).tcp
      if (header?.sourcePort !== 7000) continue
      sent.push(toHex(bytes))
      acked = header.ack | 0
    }
    // It goes on where it is told to, most of the time.
    if (random.next() < 0.8) sender.next = acked
    // Now and then of something that was never sent.
    sender.ack = (iss + 1 + connection.info().bytesSent + (random.next() < 0.05 ? 10_000 : 0)) | 0
    if (random.next() < 0.2) connection.tryWrite(new Uint8Array(1 + Math.floor(random.next() * 5000)))
    if (random.next() < 0.7) read += toHex(into.subarray(0, connection.tryRead(into.subarray(0, Math.floor(random.next() * 100_000) + 1)) ?? 0))
    if (random.next() < 0.3) await clock.advance(random.next() * 100)
  }
  const info = connection.info()
  const { tcp: counters } = stack.statistics().protocols
  const merged = bench.nic.statistics.rxMerged
  connection.abort()
  connection.closed.catch(() => undefined)
  await listener.close()
  await bench.end()
  return { sent, read, info, counters, merged }
}

describe.each(Object.entries(SETUPS))('%s', (_name, setup) => {
  test.each([1, 7])('the same comes of it with and without, seed %i', async (seed) => {
    const on = await live(setup, true, seed)
    const off = await live(setup, false, seed)
    expect(on.merged).toBeGreaterThan(100)
    expect(off.merged).toBe(0)
    expect(on.sent).toEqual(off.sent)
    expect(on.read).toEqual(off.read)
    expect(on.read.length).toBeGreaterThan(100_000)
    expect(on.info).toEqual(off.info)
    expect(on.counters).toEqual(off.counters)
  })
})
