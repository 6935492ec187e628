import { createPacketMemory } from '@stack/buffer'
import { seededRandom } from '@stack/core'
import { describe, expect, it } from 'vitest'
import { OWN_MAC, bench } from './support/bench.ts'
import { advertisement, bytesOf, fragments, icmp, ip, ping, solicitation } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const US = '2001:db8::1'
const PEER = '2001:db8::2'

/** Sound packets of every kind, to be spoilt. */
const SAMPLES: readonly Uint8Array[] = [
  ping(PEER, US, 'hello'),
  ip(PEER, US, PROBE, bytesOf([0, 2, 0, 1], 'hello')),
  ip(PEER, US, 0, bytesOf([60, 0, 5, 2, 0, 0, 1, 0], [43, 0, 1, 4, 0, 0, 0, 0], [PROBE, 0, 0, 0, 0, 0, 0, 0], [0, 2, 0, 1], 'deep')),
  ...fragments(PEER, US, PROBE, bytesOf([0, 2, 0, 1], 'in several parts, one after another'), 16),
  solicitation(PEER, 'ff02::1:ff00:1', US, { sourceLink: '02:00:00:00:00:02' }),
  solicitation('::', 'ff02::1:ff00:1', US, { nonce: [1, 2, 3, 4, 5, 6] }),
  advertisement(PEER, US, PEER, { flags: 'SO', targetLink: '02:00:00:00:00:02' }),
  icmp(PEER, US, 1, 4, bytesOf([0, 0, 0, 0], ip(US, PEER, 44, bytesOf([PROBE, 0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 2], 'mine')))),
  icmp(PEER, US, 2, 0, bytesOf([0, 0, 5, 0], ip(US, PEER, PROBE, bytesOf([0, 1, 0, 2], 'mine')))),
]

describe('a hostile network', () => {
  it.each(['ip', 'ethernet'] as const)('packets that are cut, changed and lie about their lengths: nothing throws, nothing leaks (%s)', async (framing) => {
    const random = seededRandom(framing.length)
    const pick = (n: number): number => Math.floor(random.next() * n)
    // Fragments that nobody completes may take more than a small memory has.
    const b = await bench({ link: { framing }, nic: { addresses: [`${US}/64`] }, memory: createPacketMemory({ size: 8 << 20 }).pool() })
    for (let i = 0; i < 6000; i++) {
      const packet = Uint8Array.from(SAMPLES[i % SAMPLES.length]!)
      for (let changes = pick(4); changes > 0; changes--) {
        // Mostly in the headers.
        const at = random.next() < 0.7 ? pick(Math.min(packet.length, 64)) : pick(packet.length)
        packet[at] = random.next() < 0.5 ? pick(256) : [0, 1, 44, 58, 59, 60, 255][pick(7)]!
      }
      const cut = random.next() < 0.2 ? packet.subarray(0, 40 + pick(packet.length - 39)) : packet
      if (framing === 'ip' && cut[0]! >> 4 !== 6) continue
      b.send(cut, packet[24] === 0xff ? '33:33:00:00:00:01' : OWN_MAC)
      if (i % 50 === 0) {
        await b.clock.advance(100)
        b.sentBytes()
      }
    }
    const counters = b.counters()
    expect(counters.received).toBeGreaterThan(4000)
    expect(counters.delivered).toBeGreaterThan(0)
    await b.clock.advance(120_000)
    // Leaks of packets and timers are looked for here.
    b.end()
  })
})
