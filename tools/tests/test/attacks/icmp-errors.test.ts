import { FAMILIES, icmpv4, icmpv6, ipv4, ipv6, packet, scriptedPeer, tcp, type Family, type Icmpv4Type, type Icmpv6Type } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery } from './support/forgery.ts'
import { FRIEND, network, siege, STACK } from './support/siege.ts'

const ERRORS = 2000
/** Where the sequence number stands in the quotation. */
const QUOTED_SEQUENCE = { ipv4: 8 + 20 + 4, ipv6: 8 + 40 + 4 }

type Error = [name: string, family: Family, message: Icmpv4Type | Icmpv6Type, code: number, mtu?: number]

const HARD: Error[] = [
  ['net unreachable', 'ipv4', 'unreachable', 0], ['protocol unreachable', 'ipv4', 'unreachable', 2], ['port unreachable', 'ipv4', 'unreachable', 3],
  ['prohibited', 'ipv4', 'unreachable', 13], ['time exceeded', 'ipv4', 'time-exceeded', 0], ['parameter problem', 'ipv4', 'parameter-problem', 0],
  ['no route', 'ipv6', 'unreachable', 0], ['port unreachable', 'ipv6', 'unreachable', 4], ['time exceeded', 'ipv6', 'time-exceeded', 0], ['parameter problem', 'ipv6', 'parameter-problem', 1],
]
const TOO_BIG: Error[] = [
  ['packet too big', 'ipv4', 'unreachable', 4, 576], ['packet too big', 'ipv4', 'unreachable', 4, 68], ['packet too big', 'ipv4', 'unreachable', 4, 0], ['packet too big', 'ipv6', 'packet-too-big', 0, 1280],
]

/** A connection with data in flight, and an ICMP error about it from a stranger. */
async function inFlight([name, family, type, code, mtu]: Error) {
  const besieged = await siege()
  const { stack, clock, friend, hit, random, attack } = besieged
  const peer = scriptedPeer({ stack, clock, link: friend, family })
  const connection = await peer.accept()
  await connection.write(new Uint8Array(5000))
  await peer.settle()
  const sent = peer.all()
  const fields = { code, ...(mtu === undefined ? {} : { mtu }) }
  const quoted = packet(
    family === 'ipv4' ? ipv4({ source: STACK.ipv4, destination: FRIEND.ipv4 }) : ipv6({ source: STACK.ipv6, destination: FRIEND.ipv6 }),
    tcp({ sourcePort: peer.localPort, destinationPort: peer.remotePort }),
  )
  const from = family === 'ipv4' ? '10.9.9.9' : 'fd00::9999'
  const message = family === 'ipv4' ? icmpv4({ ...fields, type: type as Icmpv4Type }) : icmpv6({ ...fields, type: type as Icmpv6Type })
  const forged = forgery(network(family, from), message, quoted)
  const guess = (sequence: number): void => hit(forged.set32(QUOTED_SEQUENCE[family], sequence).bytes)

  /** The sequence number is a guess, but for what is in flight. */
  const blind = () => attack(`ICMP ${name} (${String(mtu ?? '')}), ${family}`, () => {
    for (let i = 0; i < ERRORS; i++) guess((peer.iss + 5001 + (random.uint32() % (2 ** 32 - 5001))) | 0)
  })
  return { ...besieged, peer, connection, sent, blind, guess }
}

describe.each(HARD)('ICMP %s over %s', (...error) => {
  it('blind: counted and ignored; with the right number: a soft error (RFC 5927 §4.1, §5.2)', async () => {
    const { connection, blind, guess, peer, tcp: counters, end } = await inFlight(error)
    const toll = blind()
    expect(counters()).toMatchObject({ dropIcmpStale: ERRORS, softErrors: 0 })
    expect(toll).toMatchObject({ packetsOut: 0 })
    guess((peer.iss + 1) | 0)
    await peer.settle()
    expect(counters()['softErrors']).toBe(1)
    expect(connection.state).toBe('established')
    await end()
  })
})

describe.each(TOO_BIG)('ICMP %s over %s (%s %i, MTU %s)', (...error) => {
  it('blind: the path MTU stays (RFC 5927 §7)', async () => {
    const { connection, blind, peer, sent, clock, tcp: counters, end } = await inFlight(error)
    const largest = Math.max(...sent.map(({ length }) => length))
    const toll = blind()
    expect(counters()).toMatchObject({ dropIcmpStale: ERRORS })
    expect(toll.packetsOut).toBe(0)
    await peer.send('A', { seq: 1, ack: 5001 })
    await connection.write(new Uint8Array(5000))
    await clock.advance(1)
    expect(Math.max(...peer.all().map(({ length }) => length))).toBe(largest)
    await end()
  })
})

describe('messages that steer a host', () => {
  it('source quench and redirects are ignored (RFC 6633, RFC 1122 §3.2.2.2)', async () => {
    const { connection, peer, hit, attack, counters, tcp: tcpCounters, end } = await inFlight(['', 'ipv4', 'unreachable', 0])
    const cwnd = connection.info().cwnd
    const quoted = packet(
      ipv4({ source: STACK.ipv4, destination: FRIEND.ipv4 }), tcp({ sourcePort: peer.localPort, destinationPort: peer.remotePort, seq: (peer.iss + 1) >>> 0 }),
    )
    const quench = packet(network('ipv4', '10.9.9.9'), icmpv4({ type: 'source-quench' }), quoted)
    const redirect = packet(network('ipv4', '10.9.9.9'), icmpv4({ type: 'redirect', code: 1, gateway: '10.6.6.6' }), quoted)
    const toll = attack('source quench and redirects, ipv4', () => {
      for (let i = 0; i < ERRORS; i++) hit(i % 2 === 0 ? quench : redirect)
    })
    expect(counters('icmpv4')['dropIgnored']).toBe(ERRORS)
    expect(tcpCounters()).toMatchObject({ softErrors: 0, retransmits: 0 })
    expect(connection.info().cwnd).toBe(cwnd)
    expect(toll.packetsOut).toBe(0)
    await end()
  })

  it('redirects and router advertisements over IPv6 are not acted upon, least of all from afar (RFC 4861 §8.1)', async () => {
    const { hit, attack, counters, stack, end } = await siege()
    const routes = stack.routes.list().length
    const redirect = (hopLimit: number) => packet(
      ipv6({ source: 'fe80::9', destination: STACK.ipv6, hopLimit }), icmpv6({ type: 'redirect', target: 'fe80::9', destination: FRIEND.ipv6 }),
    )
    const near = redirect(255)
    const far = redirect(64)
    const toll = attack('redirects, ipv6', () => {
      for (let i = 0; i < ERRORS; i++) hit(i % 2 === 0 ? near : far)
    })
    expect(counters('ipv6')).toMatchObject({ ndpDropHopLimit: ERRORS / 2, routerMessagesIgnored: ERRORS / 2 })
    expect(stack.routes.list()).toHaveLength(routes)
    expect(toll.packetsOut).toBe(0)
    await end()
  })
})
describe.each(FAMILIES)('errors about what was never sent (%s)', (family) => {
  it('are counted and tell nobody anything', async () => {
    const { hit, attack, random, tcp: counters, end } = await siege()
    const quoted = packet(family === 'ipv4' ? ipv4({ source: STACK.ipv4, destination: FRIEND.ipv4 }) : ipv6({ source: STACK.ipv6, destination: FRIEND.ipv6 }), tcp())
    const forged = forgery(network(family), family === 'ipv4' ? icmpv4({ type: 'unreachable', code: 3 }) : icmpv6({ type: 'unreachable', code: 4 }), quoted)
    const toll = attack(`ICMP errors about nothing, ${family}`, () => {
      for (let i = 0; i < ERRORS; i++) hit(forged.from(0x0a000100 | (random.uint32() & 0xff)).bytes)
    })
    expect(toll.packetsOut).toBe(0)
    expect(counters()['softErrors']).toBe(0)
    await end()
  })
})
