import { FAMILIES, scriptedPeer, tcp, type Family, type TcpFields } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { forgery, TCP } from './support/forgery.ts'
import { network, siege } from './support/siege.ts'

/** Segments of one sweep: with a receive window of 1 MiB about two of them fall into it. */
const SWEEP = 8192
const STEP = 2 ** 32 / SWEEP
/** Segments in a millisecond, so that a sweep takes a second. */
const RATE = 8

/** A connection of the friend's, and an attacker who knows addresses and ports and has to guess the numbers (RFC 5961 §1.1). */
async function connected(family: Family) {
  const besieged = await siege()
  const { stack, clock, friend, random } = besieged
  const peer = scriptedPeer({ stack, clock, link: friend, family })
  const connection = await peer.accept({ receiveBuffer: 1 << 20 }, { scale: 7 })
  const given: Uint8Array[] = []
  connection.setHandler({
    readable() {
      const buffer = new Uint8Array(4096)
      for (let count = connection.tryRead(buffer); typeof count === 'number'; count = connection.tryRead(buffer)) given.push(buffer.slice(0, count))
    },
  })

  /** Segments with numbers from all over the sequence space; the acknowledgment is a guess, too. */
  function sweep(name: string, fields: TcpFields, data = '') {
    const forged = forgery(network(family), tcp(fields), data)
    // In front of the next expected number, and not at it: that guess is worth 2³² segments.
    const from = (peer.irs + 7) | 0
    return besieged.attack(`blind ${name}, ${family}`, () => {
      for (let i = 0; i < SWEEP; i++) {
        forged.set32(TCP.sequence, (from + i * STEP) | 0)
        if (fields.flags?.includes('A') === true) forged.set32(TCP.acknowledgment, random.uint32())
        besieged.hit(forged.bytes)
        if (i % RATE === RATE - 1) besieged.run(1)
      }
    }, { spoofed: true })
  }

  /** The connection works, in both directions, and nothing but the friend's bytes came out of it. */
  async function works(): Promise<void> {
    await clock.advance(10_000)
    peer.all()
    expect(connection.state).toBe('established')
    await peer.send('PA', { seq: 1, ack: 1, data: 'hello' })
    await connection.write(new TextEncoder().encode('world'))
    await clock.advance(50)
    const answers = peer.all()
    expect(answers.some(({ data }) => new TextDecoder().decode(data) === 'world')).toBe(true)
    expect(answers.at(-1)).toMatchObject({ ack: 6 })
    expect(given.map((bytes) => new TextDecoder().decode(bytes))).toEqual(['hello'])
  }

  return { ...besieged, sweep, works }
}

/** 10 in 5 s, for a sweep of one second. */
const CHALLENGES = 10

describe.each(FAMILIES)('blind injection into a connection over %s (RFC 5961)', (family) => {
  it('RST: the connection lives on; challenge ACKs are bounded (§3.2)', async () => {
    const { sweep, works, tcp: counters, end } = await connected(family)
    const toll = sweep('RST', { flags: 'R' })
    expect(counters()['dropBadReset']).toBeGreaterThanOrEqual(2)
    expect(toll.packetsOut).toBeLessThanOrEqual(CHALLENGES)
    await works()
    await end()
  })

  it('SYN: the connection lives on; challenge ACKs are bounded, wherever the SYN lies (§4.2)', async () => {
    const { sweep, works, end } = await connected(family)
    const toll = sweep('SYN', { flags: 'S', mss: 1460 })
    expect(toll.packetsOut).toBeGreaterThan(0)
    expect(toll.packetsOut).toBeLessThanOrEqual(CHALLENGES)
    await works()
    await end()
  })

  it('SYN-ACK: as SYN', async () => {
    const { sweep, works, end } = await connected(family)
    expect(sweep('SYN-ACK', { flags: 'SA', mss: 1460 }).packetsOut).toBeLessThanOrEqual(CHALLENGES)
    await works()
    await end()
  })

  it('ACK: nothing changes, no more than challenge ACKs (§5.2)', async () => {
    const { sweep, works, tcp: counters, end } = await connected(family)
    const toll = sweep('ACK', { flags: 'A', window: 0 })
    expect(counters()['dropBadAck']! + counters()['dropUnacceptable']!).toBe(SWEEP)
    expect(toll.packetsOut).toBeLessThanOrEqual(CHALLENGES)
    await works()
    await end()
  })

  it.each([['data', 'PA', 'evil'], ['a FIN', 'FA', ''], ['data without ACK', 'P', 'evil'], ['urgent data', 'UPA', 'evil']])('%s: none of it is taken, and no more comes back than went in (§5.2)', async (name, flags, data) => {
    const { sweep, works, memory, end } = await connected(family)
    const toll = sweep(name, { flags }, data)
    expect(toll.packetsOut).toBeLessThanOrEqual(toll.packetsIn)
    expect(toll.bytesOut).toBeLessThanOrEqual(toll.bytesIn)
    expect(memory.packets).toBe(0)
    await works()
    await end()
  })
})
