import { FAMILIES, fragmentsOf, icmpv4, icmpv6, packet, parsePacket, type Family } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery } from './support/forgery.ts'
import { network, siege, stranger, type Siege } from './support/siege.ts'

const FLOOD = 20_000
/** Defaults of reassembly. */
const LIMITS = { bytes: 4 << 20, bytesOfSource: 256 << 10, datagrams: 1024, datagramsOfSource: 64 }
/** Where the identification is, from the network header. */
const ID = { ipv4: 4, ipv6: 46 }

function echo(family: Family, bytes: number, source?: string): Uint8Array {
  return packet(network(family, source), family === 'ipv4' ? icmpv4({ identifier: 7 }) : icmpv6({ identifier: 7 }), new Uint8Array(bytes))
}

/** The `n`th fragment of an echo request, its identification still to be chosen. */
function fragmentOf(family: Family, n: number, source?: string) {
  const forged = forgery(fragmentsOf(echo(family, 2000, source), { size: 1000, identification: 1 })[n]!)
  const view = new DataView(forged.bytes.buffer)
  return {
    from: (word: number) => forged.from(word),
    numbered(id: number): Uint8Array {
      if (family === 'ipv4') forged.network16(ID.ipv4, id & 0xffff)
      else view.setUint16(ID.ipv6, id)
      return forged.bytes
    },
  }
}

/** Does a ping in fragments, with `between` happening between them, bring its answer? */
function isPingAnswered(besieged: Siege, family: Family, id: number, between: () => void): boolean {
  for (const fragment of fragmentsOf(echo(family, 2000), { identification: id })) {
    besieged.friend.inject(fragment)
    between()
  }
  besieged.run()
  let answered = false
  for (let bytes = besieged.friend.tryRead(); bytes !== null; bytes = besieged.friend.tryRead()) {
    const reply = parsePacket(bytes)
    // An answer of 2,008 bytes is two fragments; the first says what it is.
    if (reply.icmpv4?.type === 0 || reply.icmpv6?.type === 129 || reply.payload.length > 500) answered = true
  }
  return answered
}

describe.each(FAMILIES)('fragments over %s', (family) => {
  const gauges = (besieged: Siege) => besieged.counters(`${family}.reassembly`)

  it('first fragments from everywhere: memory is bounded, and a fragmented ping gets through', async () => {
    const besieged = await siege()
    const { attack, hit, random, run, end } = besieged
    const first = fragmentOf(family, 0)
    let pings = 0
    let most = 0
    const toll = attack(`fragments from everywhere, ${family}`, () => {
      for (let i = 0; i < FLOOD; i++) {
        first.from(stranger(random))
        hit(first.numbered(i))
        if (i % 1000 !== 999) continue
        run(10)
        most = Math.max(most, gauges(besieged)['bytesHeld']!)
        // 25 hostile ones between any two of the friend's.
        const answered = isPingAnswered(besieged, family, 10_000 + i, () => {
          for (let n = 0; n < 25; n++) {
            first.from(stranger(random))
            hit(first.numbered(i))
          }
        })
        if (answered) pings++
      }
    })
    expect(pings).toBe(FLOOD / 1000)
    expect(most).toBeGreaterThan(1 << 20)
    expect(most).toBeLessThanOrEqual(LIMITS.bytes)
    expect(toll.held).toBeLessThanOrEqual(LIMITS.bytes + (1 << 20))
    expect(gauges(besieged)['datagrams']).toBeLessThanOrEqual(LIMITS.datagrams)
    // Nobody is told that his datagram was evicted; time exceeded is rate-limited.
    run(60_000)
    run(60_000)
    expect(gauges(besieged)).toMatchObject({ datagrams: 0, bytesHeld: 0 })
    expect(besieged.memory.packets).toBe(0)
    await end()
  })

  it('fragments of one source: its quota is its own', async () => {
    const besieged = await siege()
    const { attack, hit, run, end } = besieged
    const middle = fragmentOf(family, 1, family === 'ipv4' ? '10.7.7.7' : 'fd00::7777')
    let most = 0
    attack(`fragments of one source, ${family}`, () => {
      for (let i = 0; i < FLOOD; i++) {
        hit(middle.numbered(i))
        if (i % 500 === 0) most = Math.max(most, gauges(besieged)['bytesHeld']!)
      }
    })
    expect(most).toBeLessThanOrEqual(LIMITS.bytesOfSource)
    expect(gauges(besieged)['datagrams']).toBeLessThanOrEqual(LIMITS.datagramsOfSource)
    expect(isPingAnswered(besieged, family, 9, () => undefined)).toBe(true)
    run(120_000)
    await end()
  })

  it('overlaps: the datagram is dropped, and what still comes of it (RFC 5722 §4, RFC 1858)', async () => {
    const besieged = await siege()
    const { attack, hit, run, end } = besieged
    const [first, second] = fragmentsOf(echo(family, 2000, family === 'ipv4' ? '10.7.7.7' : 'fd00::7777'), { size: 1400, identification: 5 })
    // The second one moved down by 8 bytes: it covers the end of the first.
    const teardrop = second!.slice()
    const view = new DataView(teardrop.buffer)
    const at = family === 'ipv4' ? 6 : 42
    view.setUint16(at, view.getUint16(at) - (family === 'ipv4' ? 1 : 8))
    if (family === 'ipv4') view.setUint16(10, view.getUint16(10) + 1)
    const toll = attack(`overlapping fragments, ${family}`, () => {
      for (let i = 0; i < 3000; i++) {
        hit(first!)
        hit(teardrop)
        hit(second!)
      }
    })
    expect(toll.packetsOut).toBe(0)
    expect(gauges(besieged)).toMatchObject({ overlapped: 1, reassembled: 0, bytesHeld: 0, datagrams: 1 })
    run(120_000)
    expect(gauges(besieged)['datagrams']).toBe(0)
    await end()
  })

  it('the tiniest fragments, in the worst order: work and memory stay within the quota of one source', async () => {
    const besieged = await siege()
    const { attack, hit, run, end } = besieged
    const tiny = fragmentsOf(echo(family, 60_000, family === 'ipv4' ? '10.7.7.7' : 'fd00::7777'), { size: 8, identification: 6 })
    // The last first, so that each of the others has to look for its place.
    const toll = attack(`tiny fragments, ${family}`, () => {
      hit(tiny.at(-1)!)
      for (const fragment of tiny) hit(fragment)
    })
    expect(gauges(besieged)['reassembled']).toBe(0)
    expect(toll.held).toBeLessThanOrEqual(LIMITS.bytesOfSource + (64 << 10))
    expect(toll.packetsOut).toBe(0)
    run(120_000)
    await end()
  })
})
