import { describe, expect, it } from 'vitest'
import { bench } from './support/bench.ts'
import { bytesOf, ip, ping } from './support/packets.ts'
import { PROBE } from './support/probe.ts'

const US = '2001:db8::1'
const PEER = '2001:db8::2'
const nic = { addresses: [`${US}/64`] }
const TO_PORT_1 = [0, 2, 0, 1]

describe('receiving', () => {
  it('delivers to a transport, with what the header said [RFC8200-3-header, RFC8504-5.12-ecn]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, PROBE, bytesOf(TO_PORT_1, 'hello'), { hops: 9, tos: 0xb9 }))
    expect(b.probe.received).toEqual([{ from: PEER, data: 'hello', ttl: 9, tos: 0xb9, headerLength: 40 }])
    expect(b.counters()).toMatchObject({ received: 1, delivered: 1 })
    b.end()
  })

  it('cuts what a link has padded, and drops what is missing (LESSONS: data offset beyond the packet) [RFC8200-3-length]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, PROBE, bytesOf(TO_PORT_1, 'hello', [0, 0, 0]), { length: 9 }))
    expect(b.probe.received[0]?.data).toBe('hello')
    b.send(ip(PEER, US, PROBE, bytesOf(TO_PORT_1, 'hello'), { length: 10 }))
    b.send(ip(PEER, US, PROBE, bytesOf(TO_PORT_1, 'hello')).subarray(0, 47))
    const wrongVersion = ip(PEER, US, PROBE, bytesOf(TO_PORT_1))
    wrongVersion[0] = 0x50
    b.link.inject(wrongVersion, 0x86dd)
    expect(b.counters()).toMatchObject({ received: 4, delivered: 1, dropMalformed: 3 })
    b.end()
  })

  it.each([0, 1])('a hop limit of %i is no reason to drop what has arrived [RFC8200-3-hop-limit]', async (hops) => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, PROBE, bytesOf(TO_PORT_1, 'last step'), { hops }))
    expect(b.probe.received).toMatchObject([{ data: 'last step', ttl: hops }])
    b.end()
  })

  it('drops martians (LESSONS: IPv4-mapped martians) [RFC8200-3-multicast-source, RFC8504-6.1-addresses]', async () => {
    const b = await bench({ nic })
    b.send(ping('ff02::1', US, ''))
    b.send(ping('::1', US, ''))
    expect(b.counters().dropMartianSource).toBe(2)
    b.send(ping(PEER, '::', ''))
    b.send(ping(PEER, '::1', ''))
    b.send(ping(PEER, 'ff00::1', ''))
    b.send(ping(PEER, 'ff01::1', ''))
    expect(b.counters().dropMartianDestination).toBe(4)
    b.send(ping('::ffff:10.0.0.1', US, ''))
    b.send(ping(PEER, '::ffff:10.0.0.1', ''))
    expect(b.counters().dropMapped).toBe(2)
    b.send(ip('::', US, PROBE, bytesOf(TO_PORT_1)))
    b.send(ip(US, US, PROBE, bytesOf(TO_PORT_1, 'I am you')))
    expect(b.counters().dropMartianSource).toBe(4)
    expect(b.counters().delivered).toBe(0)
    expect(b.sent()).toEqual([])
    b.end()
  })

  it('is for own addresses, all nodes, solicited-node groups and joined groups; nobody else [RFC8504-6.1-addresses]', async () => {
    const b = await bench({ nic })
    const group = b.probe.host.parseAddress('ff05::1234')
    const send = (to: string): void => b.send(ip(PEER, to, PROBE, bytesOf(TO_PORT_1, to)))
    send('2001:db8::3')
    send('ff02::2')
    send('ff02::1:ff00:9')
    send('ff05::1234')
    expect(b.counters()).toMatchObject({ dropNotLocal: 4, delivered: 0 })
    expect(b.probe.host.joinGroup(b.nic.id, group)).toBeNull()
    send(US)
    send('ff02::1')
    send('ff02::1:ff00:1')
    send('ff05::1234')
    expect(b.probe.received.map(({ data }) => data)).toEqual([US, 'ff02::1', 'ff02::1:ff00:1', 'ff05::1234'])
    expect(b.probe.host.leaveGroup(b.nic.id, group)).toBeNull()
    send('ff05::1234')
    expect(b.counters().dropNotLocal).toBe(5)
    b.end()
  })

  it('a promiscuous interface takes everything', async () => {
    const b = await bench({ nic: { ...nic, promiscuous: true } })
    b.send(ip(PEER, '2001:db8::77', PROBE, bytesOf(TO_PORT_1, 'yours')))
    expect(b.probe.received).toHaveLength(1)
    b.end()
  })

  it('answers an unknown next header with its place (LESSONS: parameter-problem pointer) [RFC8200-4-unknown, RFC8200-4-zero, RFC4443-3.4-parameter]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 99, bytesOf('who?')))
    b.send(ip(PEER, US, 60, bytesOf([99, 0, 1, 4, 0, 0, 0, 0], 'who?')))
    b.send(ip(PEER, US, 60, bytesOf([0, 0, 1, 4, 0, 0, 0, 0, 58, 0, 1, 4, 0, 0, 0, 0])))
    expect(b.sent()).toEqual([
      `${US} > ${PEER}: parameter problem code 1 at 6`,
      `${US} > ${PEER}: parameter problem code 1 at 40`,
      `${US} > ${PEER}: parameter problem code 1 at 40`,
    ])
    expect(b.counters()).toMatchObject({ dropUnknownNextHeader: 2, dropExtensionMalformed: 1 })
    b.end()
  })

  it('answers a port that nobody listens on [RFC4443-3.1-unreachable]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, PROBE, bytesOf([0, 2, 0, 9], 'knock')))
    expect(b.sent()).toEqual([`${US} > ${PEER}: unreachable code 4, quotes 49`])
    expect(b.counters().dropPortUnreachable).toBe(1)
    b.end()
  })

  it('reads extension headers on the way [RFC8200-4-order, RFC8200-4.3-hop, RFC8200-4.6-destination]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 0, bytesOf([60, 0, 5, 2, 0, 0, 1, 0], [PROBE, 0, 1, 4, 0, 0, 0, 0], TO_PORT_1, 'behind')))
    expect(b.probe.received).toMatchObject([{ data: 'behind', headerLength: 56 }])
    b.end()
  })

  it('unknown options: their two highest bits decide (RFC 8200 §4.2) [RFC8200-4.2-skip, RFC8200-4.2-multicast, RFC4443-2.4-e]', async () => {
    const b = await bench({ nic })
    const withOption = (type: number, to: string): Uint8Array => ip(PEER, to, 60, bytesOf([PROBE, 0, type, 4, 0, 0, 0, 0], TO_PORT_1, 'x'))
    b.send(withOption(0x1e, US))
    expect(b.probe.received).toHaveLength(1)
    b.send(withOption(0x5e, US))
    expect(b.sent()).toEqual([])
    b.send(withOption(0x9e, US))
    b.send(withOption(0x9e, 'ff02::1'))
    b.send(withOption(0xde, US))
    b.send(withOption(0xde, 'ff02::1'))
    expect(b.sent()).toEqual(Array(3).fill(`${US} > ${PEER}: parameter problem code 2 at 42`))
    expect(b.counters().dropOption).toBe(5)
    expect(b.probe.received).toHaveLength(1)
    b.end()
  })

  it('a routing header with segments left is refused, a spent one passed over [RFC8200-4.4-routing, RFC8200-4.4-routing-zero, RFC8504-5.2-routing]', async () => {
    const b = await bench({ nic })
    // Type 0 is deprecated (RFC 5095), 253 unknown.
    for (const type of [0, 253]) b.send(ip(PEER, US, 43, bytesOf([PROBE, 0, type, 1, 0, 0, 0, 0], TO_PORT_1, 'no')))
    expect(b.sent()).toEqual(Array(2).fill(`${US} > ${PEER}: parameter problem code 0 at 42`))
    for (const type of [0, 253]) b.send(ip(PEER, US, 43, bytesOf([PROBE, 0, type, 0, 0, 0, 0, 0], TO_PORT_1, 'yes')))
    expect(b.probe.received.map(({ data }) => data)).toEqual(['yes', 'yes'])
    b.end()
  })

  it('nothing follows next header 59 [RFC8200-4.7-none]', async () => {
    const b = await bench({ nic })
    b.send(ip(PEER, US, 59, bytesOf('junk')))
    expect(b.sent()).toEqual([])
    expect(b.counters().dropNoNextHeader).toBe(1)
    b.end()
  })

  it('::1 works inside, whether or not somebody assigned it [RFC8504-6.1-addresses]', async () => {
    const b = await bench({ nic })
    expect(b.probe.send('::1', bytesOf('to myself'), { local: '::1' })).toBeNull()
    await b.clock.settle()
    // Sent from port 1 to port 2, where nobody is.
    expect(b.counters()).toMatchObject({ sent: 2, received: 2, dropPortUnreachable: 1, icmpErrorsReceived: 1 })
    expect(b.probe.errors).toMatchObject([{ about: 'to myself', error: { kind: 'portUnreachable' } }])
    expect(b.sent()).toEqual([])
    b.end()
  })
})
