import { describe, expect, it } from 'vitest'
import { bench } from './support/bench.ts'
import { bytesOf, checksum, fragmentHeader, icmp, ip, message, ping } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const US = '2001:db8::1'
const PEER = '2001:db8::2'
const ROUTER = '2001:db8::fe'
const nic = { addresses: [`${US}/64`] }
const NO_PORT = [0, 2, 0, 9]

describe('echo', () => {
  it('comes back with its data, from the address that was asked [RFC4443-2.2-source, RFC4443-4.1-echo]', async () => {
    const b = await bench({ nic: { addresses: [`${US}/64`, '2001:db8::5/64'] } })
    b.send(ping(PEER, '2001:db8::5', 'hello'))
    b.send(ping(PEER, US, ''))
    expect(b.sent()).toEqual([`2001:db8::5 > ${PEER}: echo reply 7/1 hello`, `${US} > ${PEER}: echo reply 7/1 `])
    expect(b.counters()).toMatchObject({ echoRequestsReceived: 2, echoRepliesSent: 2 })
    b.end()
  })

  it('of a group comes from a unicast address [RFC4443-2.2-source]', async () => {
    const b = await bench({ nic })
    b.send(ping(PEER, 'ff02::1', 'all'))
    expect(b.sent()).toEqual([`${US} > ${PEER}: echo reply 7/1 all`])
    b.end()
  })

  it('keeps DSCP and not ECN', async () => {
    const b = await bench({ nic })
    b.send(ping(PEER, US, 'x', { tos: 0xbb }))
    const reply = b.sentBytes()[0]!
    expect(((reply[0]! & 0xf) << 4) | (reply[1]! >> 4)).toBe(0xb8)
    b.end()
  })

  it('is fragmented when it is large, with the checksum of the whole', async () => {
    const b = await bench({ nic, link: { mtu: 1280 } })
    b.send(ping(PEER, US, 'y'.repeat(1300)))
    const parts = b.sentBytes()
    expect(parts.map((part) => part.length)).toEqual([1280, 40 + 8 + 1308 - 1232])
    const whole = bytesOf(...parts.map((part) => part.subarray(48)))
    expect(whole.length).toBe(1308)
    expect(checksum(US, PEER, 58, whole)).toBe(0)
    b.end()
  })

  it('with a wrong checksum, or too short, is dropped [RFC4443-2.3-checksum]', async () => {
    const b = await bench({ nic })
    const wrong = ping(PEER, US, 'hello')
    wrong[45]! ^= 1
    b.send(wrong)
    b.send(ip(PEER, US, 58, bytesOf([128, 0, 0])))
    b.send(icmp(PEER, US, 128, 0, bytesOf([0, 7])))
    expect(b.sent()).toEqual([])
    expect(b.counters()).toMatchObject({ icmpDropChecksum: 1, icmpDropMalformed: 2, icmpReceived: 3 })
    b.end()
  })
})

describe('errors out', () => {
  it('quote as much as fits into 1,280 bytes (RFC 4443 §2.4(c)) [RFC4443-2.4-c]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, PROBE, bytesOf(NO_PORT, new Uint8Array(1400))))
    const [error] = b.sentBytes()
    expect(error!.length).toBe(1280)
    b.send(ip(PEER, US, PROBE, bytesOf(NO_PORT, new Uint8Array(1400))))
    expect(b.sent()).toEqual([`${US} > ${PEER}: unreachable code 4, quotes 1232`])
    b.end()
  })

  it('come from the address that the packet was for (RFC 4443 §2.2) [RFC4443-2.2-source]', async () => {
    const b = await bench({ nic: { addresses: [`${US}/64`, '2001:db8::5/64'] } })
    b.send(ip(PEER, '2001:db8::5', PROBE, bytesOf(NO_PORT)))
    b.send(ip(PEER, US, PROBE, bytesOf(NO_PORT)))
    expect(b.sent()).toEqual([`2001:db8::5 > ${PEER}: unreachable code 4, quotes 44`, `${US} > ${PEER}: unreachable code 4, quotes 44`])
    b.end()
  })

  it('are never sent about errors, groups, or to nobody (RFC 4443 §2.4(e)) [RFC4443-2.4-e]', async () => {
    const b = await bench({ nic })
    b.send(icmp(PEER, US, 1, 4, bytesOf([0, 0, 0, 0], ip(PEER, '2001:db8::3', 60, bytesOf([99])))))
    b.send(ip(PEER, 'ff02::1', PROBE, bytesOf(NO_PORT)))
    b.send(ip(PEER, 'ff02::1', 99, bytesOf('who?')))
    b.send(ip('::', US, 60, bytesOf([58, 0, 0x9e, 4, 0, 0, 0, 0])))
    // An unknown option, in an ICMPv6 error.
    b.send(ip(PEER, US, 60, bytesOf([58, 0, 0x9e, 4, 0, 0, 0, 0], message(PEER, US, 1, 0, new Uint8Array(4)))))
    expect(b.sent()).toEqual([])
    expect(b.counters().icmpErrorsSent).toBe(0)
    expect(b.counters().icmpErrorsSuppressed).toBe(4)
    b.end()
  })

  it('are limited in number (RFC 4443 §2.4(f)) [RFC4443-2.4-f]', async () => {
    const b = await bench({ nic, options: { linkLocal: false, icmpErrors: { rate: 10, burst: 3 } } })
    const knock = (): void => b.send(ip(PEER, US, PROBE, bytesOf(NO_PORT)))
    for (let i = 0; i < 5; i++) knock()
    expect(b.sent()).toHaveLength(3)
    expect(b.counters().icmpErrorsLimited).toBe(2)
    await b.clock.advance(100)
    knock()
    knock()
    expect(b.sent()).toHaveLength(1)
    b.end()
  })
})

describe('errors in', () => {
  const quote = ip(US, PEER, PROBE, bytesOf([0, 1, 0, 2], 'mine'))
  const error = (type: number, code: number, about: Uint8Array = quote): Uint8Array => icmp(ROUTER, US, type, code, bytesOf([0, 0, 0, 0], about))

  it.each([
    [1, 0, 'netUnreachable'],
    [1, 1, 'prohibited'],
    [1, 2, 'hostUnreachable'],
    [1, 3, 'hostUnreachable'],
    [1, 4, 'portUnreachable'],
    [1, 5, 'prohibited'],
    [1, 6, 'prohibited'],
    [3, 0, 'timeExceeded'],
    [4, 0, 'parameterProblem'],
    [4, 1, 'protocolUnreachable'],
    [100, 0, 'unknown'],
  ])('type %i code %i is %s [RFC4443-2.4-a, RFC4443-2.4-d, RFC4443-3.1-port]', async (type, code, kind) => {
    const b = await bench({ nic })
    b.send(error(type, code))
    expect(b.probe.errors).toMatchObject([{ about: 'mine', error: { kind, type, code } }])
    b.end()
  })

  it('look through the extension headers of what they quote [RFC4443-2.4-d]', async () => {
    const b = await bench({ nic })
    b.send(error(1, 4, ip(US, PEER, 60, bytesOf([44, 0, 1, 4, 0, 0, 0, 0], fragmentHeader(PROBE, 0, true), [0, 1, 0, 2], 'deep'))))
    b.send(error(1, 4, ip(US, PEER, 44, bytesOf(fragmentHeader(PROBE, 8, true), [0, 1, 0, 2], 'later part'))))
    expect(b.probe.errors.map(({ about }) => about)).toEqual(['deep'])
    b.end()
  })

  it('about packets of others, or about nothing, are dropped [RFC4443-5.2-verify]', async () => {
    const b = await bench({ nic })
    b.send(error(1, 4, ip('2001:db8::9', PEER, PROBE, bytesOf([0, 1, 0, 2]))))
    b.send(error(1, 4, quote.subarray(0, 39)))
    b.send(error(1, 4, bytesOf([0x45], quote.subarray(1))))
    b.send(error(1, 4, ip(US, PEER, 60, bytesOf([PROBE, 200]))))
    expect(b.probe.errors).toEqual([])
    expect(b.counters()).toMatchObject({ icmpDropForeignError: 1, icmpDropMalformed: 2, icmpErrorsReceived: 4 })
    b.end()
  })

  it('informational messages that nobody wants are not answered (RFC 4443 §2.4(b)) [RFC4443-2.4-b]', async () => {
    const b = await bench({ nic })
    b.send(icmp(PEER, US, 200, 0, bytesOf('????')))
    b.send(icmp(PEER, US, 129, 0, bytesOf([0, 7, 0, 1])))
    expect(b.sent()).toEqual([])
    b.end()
  })
})
