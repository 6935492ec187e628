import { internetChecksum, type TcpOption } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, pattern, PORT, type Segment } from './support/peer.ts'

/** The TCP header and text of a segment as they were on the wire. */
function wire({ packet }: Segment, family: (typeof FAMILIES)[number]): Uint8Array {
  return packet.bytes.subarray(family === 'ipv4' ? 20 : 40)
}

/** The pseudo-header of RFC 9293 §3.1, and the segment behind it. */
function summed(segment: Segment, family: (typeof FAMILIES)[number]): Uint8Array {
  const { bytes } = segment.packet
  const body = wire(segment, family)
  const addresses = family === 'ipv4' ? bytes.subarray(12, 20) : bytes.subarray(8, 40)
  return Uint8Array.of(...addresses, 0, 6, body.length >> 8, body.length & 255, ...body)
}

describe.each(FAMILIES)('the header over %s', (family) => {
  test('every segment has a good checksum over pseudo-header, header and text [RFC9293-MUST-2]', async () => {
    const bench = await Bench.create({ family })
    bench.peerTs = 1
    bench.stack.tcp.listen({ port: PORT })
    await bench.send('S', { mss: 1460, scale: 7 })
    const segments = [bench.expect('SA')]
    bench.localPort = PORT
    const connection = await bench.connect()
    await connection.write(pattern(1001))
    segments.push(bench.expect('PA', { length: 1001 }))
    connection.abort()
    await bench.clock.settle()
    segments.push(bench.expect('RA'))
    for (const segment of segments) expect(internetChecksum(summed(segment, family))).toBe(0)
    await bench.end()
  })

  test('options fill the header with nothing behind them but zeros; MSS is on the SYN alone [RFC9293-MUST-69, RFC9293-MUST-65, RFC9293-MUST-68]', async () => {
    const bench = await Bench.create({ family })
    bench.peerTs = 1
    const connecting = bench.stack.tcp.connect({ host: bench.remote, port: 5000 })
    await bench.clock.settle()
    const syn = bench.expect('S')
    bench.localPort = syn.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000, scale: 2, sackPermitted: true })
    const connection = await connecting
    await connection.write(pattern(2000), { end: true })
    await bench.send('A', { seq: 1001, ack: 1, data: pattern(10) })
    const segments = [syn, ...bench.all()]
    expect(segments.length).toBeGreaterThan(3)
    for (const segment of segments) {
      const bytes = wire(segment, family)
      const end = (bytes[12]! >> 4) * 4
      let at = 20
      let hasMss = false
      while (at < end && bytes[at] !== 0) {
        hasMss ||= bytes[at] === 2
        at += bytes[at] === 1 ? 1 : bytes[at + 1]!
      }
      expect(at).toBeLessThanOrEqual(end)
      expect([...bytes.subarray(at, end)].every((byte) => byte === 0)).toBe(true)
      expect(hasMss).toBe(segment === syn)
    }
    connection.abort()
    await bench.end()
  })

  test('a window is unsigned, and scaled it has 32 bits [RFC9293-MUST-1, RFC9293-REC-1]', async () => {
    const bench = await Bench.create({ family })
    const connection = await bench.connect({}, { win: 0x8000, scale: 14 })
    expect(connection.info().sendWindow).toBe(0x8000)
    await bench.send('A', { seq: 1, ack: 1, win: 0xffff })
    expect(connection.info().sendWindow).toBe(0xffff << 14)
    connection.tryWrite(pattern(1000))
    bench.expect('PA', { seq: 1, length: 1000 })
    await bench.end()
  })
})

describe('options', () => {
  const option = (number: number, ...data: number[]): TcpOption => ({ kind: 'unknown', number, data: Uint8Array.from(data) })

  test.each([
    ['MSS behind one NOP, on no word boundary', [{ kind: 'nop' }, { kind: 'mss', value: 1234 }]],
    ['MSS behind an option of odd length that nobody knows', [option(200, 1, 2, 3), { kind: 'mss', value: 1234 }]],
    ['MSS, the end of the list, and garbage', [{ kind: 'mss', value: 1234 }, { kind: 'end' }, { kind: 'mss', value: 99 }]],
  ] as const)('%s [RFC9293-MUST-4, RFC9293-MUST-64, RFC9293-MUST-6, RFC9293-MUST-68]', async (_, options) => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { mss: null, options })
    expect(connection.info().sendMss).toBe(1234)
    await bench.end()
  })

  test('an option may stand in any segment: data, FIN, RST [RFC9293-MUST-5]', async () => {
    const bench = await Bench.create()
    bench.stack.tcp.listen({ port: PORT })
    const options = [option(253, 1, 2, 3, 4), { kind: 'mss', value: 90 }] as const
    const connection = await bench.connect()
    await bench.send('PA', { seq: 1, ack: 1, data: pattern(10), options })
    expect(connection.readableLength).toBe(10)
    // What belongs on a SYN says nothing here.
    expect(connection.info().sendMss).toBe(1460)
    await bench.send('FA', { seq: 11, ack: 1, options })
    expect(connection.state).toBe('close-wait')
    await bench.send('R', { seq: 12, options })
    expect(connection.state).toBe('closed')
    bench.all()
    await bench.end()
  })
})
