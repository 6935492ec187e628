import { createPacketMemory, type Packet } from '@stack/buffer'
import { address, mappedAddress, seededRandom } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { createSecrets } from '../src/isn.ts'
import { createAckSample } from '../src/congestion.ts'
import { reno } from '../src/reno.ts'
import { settle } from '../src/options.ts'
import { OutOfOrderQueue } from '../src/out-of-order.ts'
import { ReceiveQueue } from '../src/receive-queue.ts'
import { RttEstimator } from '../src/rto.ts'
import { SendQueue } from '../src/send-queue.ts'
import { after, before, later } from '../src/sequence.ts'
import { isLegalTransition, State, STATE_NAMES } from '../src/state.ts'
import { TupleIndex } from '../src/tuple-index.ts'
import { windowScaleOf } from '../src/window.ts'
import { Flag, SegmentHeader, headerLengthOf, parseHeader, writeHeader } from '../src/wire.ts'
import { deterministic, isPattern, pattern } from './support/peer.ts'

describe('wire', () => {
  test('what is written is read', () => {
    const random = seededRandom(3)
    const view = new DataView(new ArrayBuffer(80))
    for (let i = 0; i < 500; i++) {
      const header = new SegmentHeader()
      header.sourcePort = random.uint32() & 0xffff
      header.destinationPort = random.uint32() & 0xffff
      header.sequence = random.uint32() | 0
      header.acknowledgment = random.uint32() | 0
      header.flags = random.uint32() & 0xff
      header.window = random.uint32() & 0xffff
      header.urgentPointer = random.uint32() & 0xffff
      header.mss = random.next() < 0.5 ? 0 : 1 + (random.uint32() & 0x7fff)
      header.windowScale = random.next() < 0.5 ? -1 : random.uint32() % 15
      header.sackPermitted = random.next() < 0.5
      header.timestamps = random.next() < 0.5
      if (header.timestamps) {
        header.timestampValue = random.uint32() | 0
        header.timestampEcho = random.uint32() | 0
      }
      header.headerLength = headerLengthOf(header)
      expect(writeHeader(view, 5, header)).toBe(header.headerLength)
      const read = new SegmentHeader()
      expect(parseHeader(view, 5, header.headerLength, read)).toBe(true)
      expect(read).toEqual(header)
    }
  })

  test('no input reads beyond its end', () => {
    const random = seededRandom(4)
    const header = new SegmentHeader()
    for (let i = 0; i < 5000; i++) {
      const bytes = new Uint8Array(random.uint32() % 70)
      for (let at = 0; at < bytes.length; at++) bytes[at] = random.uint32()
      if (bytes.length > 12 && i % 2 === 0) bytes[12] = 0x50 + ((random.uint32() % 11) << 4)
      const ok = parseHeader(new DataView(bytes.buffer), 0, bytes.length, header)
      if (ok) expect(header.headerLength).toBeLessThanOrEqual(bytes.length)
      if (bytes.length < 20) expect(ok).toBe(false)
    }
  })

  test('option lengths that lie end the parse and are noted [RFC9293-MUST-7]', () => {
    for (const [option, length] of [[2, 0], [2, 1], [8, 200], [3, 9]] as const) {
      const bytes = new Uint8Array(28)
      bytes[12] = 0x70
      bytes.set([1, 1, option, length, 3, 3, 7, 0], 20)
      const header = new SegmentHeader()
      expect(parseHeader(new DataView(bytes.buffer), 0, 28, header)).toBe(true)
      expect(header).toMatchObject({ malformedOptions: true, windowScale: -1, mss: 0 })
    }
  })

  test('a shift above 14 counts as 14 (RFC 7323 §2.3) [RFC7323-2.3-shift]', () => {
    const bytes = new Uint8Array(24)
    bytes[12] = 0x60
    bytes[13] = Flag.Syn
    bytes.set([3, 3, 99, 0], 20)
    const header = new SegmentHeader()
    parseHeader(new DataView(bytes.buffer), 0, 24, header)
    expect(header.windowScale).toBe(14)
  })
})

describe('numbers', () => {
  test('sequence numbers compare across the wrap', () => {
    expect(before(0x7fffffff, -0x80000000)).toBe(true)
    expect(after(5, -5)).toBe(true)
    expect(before(-1, 0)).toBe(true)
    expect(later(-1, 3)).toBe(3)
    expect(after(7, 7)).toBe(false)
  })

  test('every state may close, and only the arrows of the diagram exist', () => {
    const arrows: string[] = []
    for (const from of Object.values(State)) {
      expect(isLegalTransition(from, State.Closed)).toBe(true)
      for (const to of Object.values(State)) if (to !== State.Closed && isLegalTransition(from, to)) arrows.push(`${STATE_NAMES[from]!} ${STATE_NAMES[to]!}`)
    }
    expect(arrows.sort()).toEqual([
      'close-wait last-ack', 'closed syn-received', 'closed syn-sent', 'closing time-wait', 'established close-wait', 'established fin-wait-1',
      'fin-wait-1 closing', 'fin-wait-1 fin-wait-2', 'fin-wait-1 time-wait', 'fin-wait-2 time-wait', 'listen syn-received', 'listen syn-sent',
      'syn-received close-wait', 'syn-received established', 'syn-received fin-wait-1', 'syn-sent established', 'syn-sent syn-received',
    ])
  })

  test('window scale is the least that tells the buffer', () => {
    expect([1000, 65_535, 65_536, 1 << 20, 16 << 20].map((receiveBuffer) => windowScaleOf(settle(null, { receiveBuffer })))).toEqual([0, 0, 1, 5, 9])
  })

  test('ISNs: 250,000 a second, different for every tuple and secret (RFC 6528) [RFC6528-3-isn, RFC6528-3-secret, RFC9293-MUST-8, RFC9293-MUST-9, RFC9293-SHLD-1, RFC7323-5.4-offset]', () => {
    const a = createSecrets(deterministic(1))
    const b = createSecrets(deterministic(2))
    const x = mappedAddress(1)
    const y = address(1, 2, 3, 4)
    expect((a.initialSequence(x, 1, y, 2, 2000) - a.initialSequence(x, 1, y, 2, 1000)) | 0).toBe(250_000)
    const seen = new Set([
      a.initialSequence(x, 1, y, 2, 0), a.initialSequence(x, 1, y, 3, 0), a.initialSequence(x, 2, y, 2, 0), a.initialSequence(y, 1, x, 2, 0),
      b.initialSequence(x, 1, y, 2, 0), a.timestampOffset(x, 1, y, 2),
    ])
    expect(seen.size).toBe(6)
    expect(a.initialSequence(x, 1, y, 2, 1e12)).toBe(a.initialSequence(x, 1, y, 2, 1e12) | 0)
  })

  test('RTO: bounds, backoff, end of backoff [RFC6298-2.5-maximum]', () => {
    const rtt = new RttEstimator()
    const limits = { minimumRto: 200, maximumRto: 120_000, rtoFloor: 'timeout' } as const
    expect(rtt.current(limits)).toBe(1000)
    for (let i = 0; i < 20; i++) rtt.backOff(limits)
    expect(rtt.current(limits)).toBe(120_000)
    rtt.sample(10, limits)
    expect(rtt.current(limits)).toBe(200)
    rtt.sample(500_000_000, limits)
    expect(rtt.current(limits)).toBe(120_000)
  })

  test('RTO: the floor of the variance is added to the round trip, and limits may change', () => {
    const rtt = new RttEstimator()
    const limits = { minimumRto: 200, maximumRto: 120_000, rtoFloor: 'variance' } as const
    for (let i = 0; i < 100; i++) rtt.sample(100_000, limits)
    expect(rtt.current(limits)).toBe(300)
    rtt.backOff(limits)
    expect(rtt.current(limits)).toBe(600)
    expect(rtt.current({ ...limits, maximumRto: 500 })).toBe(500)
  })

  test('Reno grows only when cwnd is the limit, and never shrinks on an ACK [RFC7661-4.3-validated, RFC5681-3.1-ssthresh]', () => {
    const cc = reno().create({ mss: 1000, smoothedRtt: 0, random: seededRandom(1) })
    const sample = { ...createAckSample(), acked: 1000, flight: 5000 }
    cc.onAck(sample)
    expect(cc.cwnd).toBe(10_000)
    sample.limited = true
    cc.onAck(sample)
    expect(cc.cwnd).toBe(11_000)
    cc.onLoss(11_000)
    expect(cc).toMatchObject({ cwnd: 5500, ssthresh: 5500 })
    for (let i = 0; i < 6; i++) {
      const was = cc.cwnd
      cc.onAck(sample)
      expect(cc.cwnd).toBeGreaterThanOrEqual(was)
    }
    expect(cc.cwnd).toBe(6500)
    cc.onLoss(100)
    expect(cc.ssthresh).toBe(2000)
  })
})

describe('queues against a model', () => {
  const memory = createPacketMemory({ size: 8 << 20 })

  test('SendQueue: append, locate anywhere, consume', () => {
    const random = seededRandom(9)
    const pool = memory.pool()
    const queue = new SendQueue()
    queue.start = 0x7fffff00
    let written = 0
    let taken = 0
    for (let i = 0; i < 3000; i++) {
      const kind = random.uint32() % 4
      if (kind === 0 && queue.length < 300_000) {
        const size = random.next() < 0.2 ? 30_000 : random.uint32() % 900
        written += queue.append(pool, pattern(size, written), 0, size)
      } else if (kind === 1 && queue.length > 0) {
        const count = Math.min(queue.length, 1 + (random.uint32() % 4000))
        queue.consume(count)
        taken += count
      } else if (queue.length > 0) {
        const at = random.uint32() % queue.length
        const length = Math.min(1400, queue.length - at)
        queue.locate((queue.start + at) | 0)
        const packet = pool.allocate(64, length)!
        expect(packet.attachPayload(queue.chunk!, queue.offset, length)).toBe(true)
        packet.makeContiguous()
        expect(isPattern(packet.bytes.subarray(packet.start, packet.end), taken + at)).toBe(true)
        packet.release()
      }
      expect(queue.length).toBe(written - taken)
    }
    queue.clear()
    expect(pool.chunks).toBe(0)
    expect(pool.packets).toBe(0)
  })

  function packetOf(bytes: Uint8Array): Packet {
    const packet = memory.pool().allocate(20, bytes.length)!
    packet.append(bytes, 0, bytes.length)
    return packet
  }

  test('OutOfOrderQueue: any overlap, the bytes of the stream come out once and in order', () => {
    const random = seededRandom(10)
    for (let round = 0; round < 60; round++) {
      const origin = random.uint32() | 0
      const queue = new OutOfOrderQueue()
      const have = new Uint8Array(400)
      for (let i = 0; i < 40; i++) {
        const from = random.uint32() % 380
        const length = 1 + (random.uint32() % 20)
        let fresh = 0
        for (let at = from; at < from + length; at++) {
          if (have[at] === 0) fresh++
          have[at] = 1
        }
        const inserted = queue.insert((origin + from) | 0, packetOf(pattern(length, from)))
        // What covers old segments counts as new: the old ones go.
        expect(inserted).toBeGreaterThanOrEqual(fresh > 0 ? 1 : 0)
      }
      let next = 0
      while (next < 400) {
        const packet = queue.take((origin + next) | 0)
        if (packet === null) {
          expect(have[next]).toBe(0)
          next++
          continue
        }
        expect(packet.bytes.slice(packet.start, packet.end)).toEqual(pattern(packet.length, next))
        next += packet.length
        packet.release()
      }
      expect(queue.isEmpty).toBe(true)
      expect(queue.held).toBe(0)
    }
    expect(memory.statistics.packetsOut).toBe(0)
  })

  test('ReceiveQueue: small packets share slots', () => {
    const pool = memory.pool()
    const queue = new ReceiveQueue()
    for (let at = 0; at < 5000; at++) {
      const packet = pool.allocate(1000, 1)!
      packet.append(pattern(1, at), 0, 1)
      queue.append(packet, pool)
    }
    expect(queue.length).toBe(5000)
    expect(pool.held).toBeLessThan(20_000)
    const into = new Uint8Array(6000)
    expect(queue.read(into.subarray(0, 7))).toBe(7)
    expect(queue.read(into.subarray(7))).toBe(4993)
    expect(into.subarray(0, 5000)).toEqual(pattern(5000))
    expect(pool.packets).toBe(0)
  })

  test('TupleIndex agrees with a Map under inserts and removals', () => {
    const random = seededRandom(11)
    const index = new TupleIndex(deterministic())
    const model = new Map<number, number>()
    const taken = new Set<number>()
    const select = (n: number): void => index.keyOfTuple(mappedAddress(n >>> 4), n & 3, mappedAddress(7), (n >>> 2) & 3, 0)
    for (let i = 0; i < 20_000; i++) {
      const n = random.uint32() % 600
      select(n)
      const slot = model.get(n) ?? -1
      expect(index.find()).toBe(slot)
      if (slot < 0) {
        const added = index.add()
        expect(taken.has(added)).toBe(false)
        taken.add(added)
        expect([index.addressWord(added, 3), index.addressWord(added, 7), index.ports(added), index.zone(added)]).toEqual([n >>> 4, 7, ((n & 3) << 16) | ((n >>> 2) & 3), 0])
        model.set(n, added)
      } else if (random.next() < 0.5) {
        index.remove(slot)
        taken.delete(slot)
        model.delete(n)
      }
      expect(index.size).toBe(model.size)
    }
    expect(Math.max(...taken)).toBeLessThan(600)
  })
})
