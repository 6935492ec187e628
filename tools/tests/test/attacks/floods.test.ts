import { FAMILIES, icmpv4, icmpv6, packet, tcp, udp } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery, TCP } from './support/forgery.ts'
import { FRIEND, network, siege, stranger } from './support/siege.ts'

const FLOOD = 20_000
/** ICMP errors of a second, and of the first moment (RFC 1812 §4.3.2.8, RFC 4443 §2.4(f)). */
const ERRORS = { rate: 100, burst: 50 }

describe.each(FAMILIES)('floods over %s', (family) => {
  it('echo requests: each has its answer, of its own size, and nothing is kept', async () => {
    const { attack, hit, random, memory, end } = await siege()
    const request = forgery(network(family), family === 'ipv4' ? icmpv4() : icmpv6(), new Uint8Array(56))
    const toll = attack(`echo requests, ${family}`, () => {
      for (let i = 0; i < FLOOD; i++) hit(request.from(stranger(random)).set16(6, i).bytes)
    })
    expect(toll.packetsOut).toBe(FLOOD)
    expect(toll.bytesOut).toBe(toll.bytesIn)
    expect(memory.packets).toBe(0)
    await end()
  })

  it('datagrams to closed ports: errors are rate-limited', async () => {
    const { attack, hit, random, run, counters, end } = await siege()
    const datagram = forgery(network(family), udp({ destinationPort: 9 }), new Uint8Array(1000))
    const toll = attack(`UDP to closed ports, ${family}`, () => {
      // Ten seconds of it.
      for (let i = 0; i < FLOOD; i++) {
        hit(datagram.from(stranger(random)).set16(2, i).bytes)
        if (i % 20 === 19) run(10)
      }
    })
    expect(toll.packetsOut).toBeGreaterThanOrEqual(10 * ERRORS.rate)
    expect(toll.packetsOut).toBeLessThanOrEqual(10 * ERRORS.rate + ERRORS.burst)
    const limited = family === 'ipv4' ? counters('icmpv4')['errorsRateLimited'] : counters('ipv6')['icmpErrorsLimited']
    expect(limited).toBe(FLOOD - toll.packetsOut)
    await end()
  })

  it('SYNs and ACKs to closed ports: a reset each, no larger than what asked for it', async () => {
    const { attack, hit, random, memory, end } = await siege()
    const segment = forgery(network(family), tcp({ flags: 'S', destinationPort: 9 }))
    const toll = attack(`TCP to closed ports, ${family}`, () => {
      for (let i = 0; i < FLOOD; i++) hit(segment.from(stranger(random)).set16(TCP.flags, i % 2 === 0 ? 0x5002 : 0x5010).bytes)
    })
    expect(toll.packetsOut).toBeLessThanOrEqual(FLOOD)
    expect(toll.bytesOut).toBeLessThanOrEqual(toll.bytesIn)
    expect(memory.packets).toBe(0)
    await end()
  })

  it('datagrams for a socket that nobody reads: what waits is bounded', async () => {
    const { stack, attack, hit, memory, end } = await siege()
    const socket = stack.udp.bind({ port: 53 })
    const datagram = packet(network(family), udp({ destinationPort: 53 }), new Uint8Array(1))
    const toll = attack(`UDP that nobody reads, ${family}`, () => {
      for (let i = 0; i < FLOOD; i++) hit(datagram)
    })
    expect(toll.packetsOut).toBe(0)
    expect(toll.held).toBeLessThanOrEqual(1 << 20)
    socket.close()
    expect(memory.packets).toBe(0)
    await end()
  })

  it('ports run out: an error that says so, and they come back', async () => {
    const { stack, run, end } = await siege()
    const open = () => stack.tcp.open({ host: FRIEND[family], port: 80 })
    const connections = []
    let failure: unknown = null
    try {
      for (let i = 0; i < 20_000; i++) connections.push(open())
    } catch (error) {
      failure = error
    }
    // IANA's dynamic range (RFC 6335 §6).
    expect(connections).toHaveLength(16_384)
    expect(failure).toMatchObject({ code: 'EADDRINUSE' })
    for (const connection of connections.splice(0)) connection.abort()
    run(1)
    expect(open().state).toBe('syn-sent')
    await end()
  })
})
