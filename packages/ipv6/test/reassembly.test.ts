import { describe, expect, it } from 'vitest'
import { bench } from './support/bench.ts'
import { bytesOf, fragmentHeader, fragments, ip, message } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const US = '2001:db8::1'
const PEER = '2001:db8::2'
const nic = { addresses: [`${US}/64`] }
const TEXT = 'The quick brown fox jumps over the lazy dog'
const PACKET = bytesOf([0, 2, 0, 1], TEXT)

describe('reassembly', () => {
  it('puts fragments together in any order [RFC8200-4.5-reassembly]', async () => {
    const b = await bench({ nic })
    const [first, second, third, ...rest] = fragments(PEER, US, PROBE, PACKET, 16)
    expect(rest).toEqual([])
    for (const fragment of [third!, first!, second!]) b.send(fragment)
    expect(b.probe.received).toMatchObject([{ from: PEER, data: TEXT, headerLength: 40 }])
    expect(b.counters()).toMatchObject({ fragmentsReceived: 3, reassembled: 1, delivered: 1 })
    b.end()
  })

  it('takes the next header from the first fragment (LESSONS: next header must come from the first fragment) [RFC8200-4.5-reassembly]', async () => {
    const b = await bench({ nic })
    const [first, second] = fragments(PEER, US, PROBE, PACKET, 32)
    second![40] = 99
    b.send(second!)
    b.send(first!)
    expect(b.probe.received.map(({ data }) => data)).toEqual([TEXT])
    b.end()
  })

  it('the header is read anew behind it (LESSONS: header view stale after reassembly)', async () => {
    const b = await bench({ nic })
    // An echo request whose reply must have the right length, and destination options in the fragmentable part.
    const request = message(PEER, US, 128, 0, bytesOf([0, 7, 0, 1], TEXT))
    for (const fragment of fragments(PEER, US, 60, bytesOf([58, 0, 1, 4, 0, 0, 0, 0], request), 24)) b.send(fragment)
    expect(b.sent()).toEqual([`${US} > ${PEER}: echo reply 7/1 ${TEXT}`])
    // What nobody knows is answered about the whole datagram: payload length and pointer are those of the whole.
    for (const fragment of fragments(PEER, US, 60, bytesOf([99, 0, 1, 4, 0, 0, 0, 0], TEXT), 24, 2)) b.send(fragment)
    const [error] = b.sentBytes()
    expect([...error!.subarray(40, 48)]).toMatchObject([4, 1, expect.any(Number), expect.any(Number), 0, 0, 0, 40])
    expect([...error!.subarray(48 + 4, 48 + 7)]).toEqual([0, 8 + TEXT.length, 60])
    b.end()
  })

  it('keeps the headers in front of the fragment header', async () => {
    const b = await bench({ nic })
    for (const [at, more] of [[0, true], [24, false]] as const) {
      const part = PACKET.subarray(at, at === 0 ? 24 : undefined)
      b.send(ip(PEER, US, 60, bytesOf([44, 0, 1, 4, 0, 0, 0, 0], fragmentHeader(PROBE, at, more), part)))
    }
    expect(b.probe.received).toMatchObject([{ data: TEXT, headerLength: 48 }])
    b.end()
  })

  it('a whole packet in one fragment is not reassembled (RFC 6946) [RFC8200-4.5-atomic, RFC8504-5.2-fragments]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 0, false), PACKET)))
    expect(b.probe.received.map(({ data }) => data)).toEqual([TEXT])
    expect(b.counters().fragmentsReceived).toBe(0)
    b.end()
  })

  it('overlapping fragments give the datagram up (RFC 5722) [RFC8200-4.5-overlap, RFC8504-5.2-fragments]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 0, true), PACKET.subarray(0, 24))))
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 16, true), PACKET.subarray(16, 32))))
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 24, false), PACKET.subarray(24))))
    expect(b.probe.received).toEqual([])
    b.end()
  })

  it('lengths that cannot be are answered with their place [RFC8200-4.5-multiple, RFC8200-4.5-beyond]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 0, true), PACKET.subarray(0, 21))))
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 0, true), [])))
    expect(b.sent()).toEqual([`${US} > ${PEER}: parameter problem code 0 at 4`])
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 8, true), PACKET.subarray(0, 3))))
    expect(b.sent()).toEqual([`${US} > ${PEER}: parameter problem code 0 at 4`])
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(PROBE, 65528, false), PACKET.subarray(0, 16))))
    expect(b.sent()).toEqual([`${US} > ${PEER}: parameter problem code 0 at 42`])
    expect(b.counters().dropFragment).toBe(4)
    b.end()
  })

  it('a first fragment without all headers is refused (RFC 7112) [RFC8200-4.5-first, RFC8504-5.2-fragments]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(60, 0, true), [PROBE, 1, 1, 12, 0, 0, 0, 0])))
    b.send(ip(PEER, US, 44, bytesOf(fragmentHeader(6, 0, true), new Uint8Array(16))))
    expect(b.sent()).toEqual([`${US} > ${PEER}: parameter problem code 3 at 0`, `${US} > ${PEER}: parameter problem code 3 at 0`])
    b.end()
  })

  it('is given up after 60 seconds; the sender of a first fragment is told [RFC8200-4.5-timeout]', async () => {
    const b = await bench({ nic })
    const [first] = fragments(PEER, US, PROBE, PACKET, 16)
    const [, second] = fragments(PEER, US, PROBE, PACKET, 16, 2)
    b.send(first!)
    b.send(second!)
    await b.clock.advance(59_000)
    expect(b.sent()).toEqual([])
    await b.clock.advance(2000)
    expect(b.sent()).toEqual([`${US} > ${PEER}: time exceeded code 1`])
    b.end()
  })

  it('a fragment in a fragment is refused', async () => {
    const b = await bench({ nic })
    const inner = bytesOf(fragmentHeader(PROBE, 0, true, 9), PACKET.subarray(0, 40))
    for (const fragment of fragments(PEER, US, 44, inner, 24)) b.send(fragment)
    expect(b.probe.received).toEqual([])
    expect(b.counters()).toMatchObject({ fragmentsReceived: 2, reassembled: 0, dropFragment: 1 })
    expect(b.sent()).toEqual([`${US} > ${PEER}: parameter problem code 3 at 0`])
    b.end()
  })
})
