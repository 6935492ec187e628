import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, PEER_PORT, pattern } from './support/peer.ts'

describe.each(FAMILIES)('open over %s', (family) => {
  test('gives the connection in syn-sent; opened resolves with the SYN-ACK', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    expect(connection.state).toBe('syn-sent')
    expect(connection.writableLength).toBeGreaterThan(0)
    expect(connection.tryRead(new Uint8Array(1))).toBeUndefined()
    bench.localPort = bench.expect('S').sourcePort
    const opened = connection.opened
    await bench.send('SA', { ack: 1, mss: 1460 })
    await opened
    bench.expect('A', { seq: 1, ack: 1 })
    expect(connection.state).toBe('established')
    await connection.opened
    await bench.end()
  })

  test('what is written ahead follows the handshake, and the FIN behind it', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    await connection.write(pattern(100), { end: true })
    bench.localPort = bench.expect('S').sourcePort
    bench.expectNothing()
    expect(() => connection.tryWrite(pattern(1))).toThrow(expect.objectContaining({ code: 'EPIPE' }))
    await bench.send('SA', { ack: 1, mss: 1460 })
    bench.expect('FPA', { seq: 1, ack: 1, length: 100 })
    expect(connection.state).toBe('fin-wait-1')
    await bench.send('FA', { seq: 1, ack: 102 })
    bench.expect('A', { seq: 102, ack: 2 })
    await connection.opened
    await connection.closed
    await bench.end()
  })

  test('shutdown while it opens: the FIN comes behind the handshake', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    connection.shutdown('write')
    bench.localPort = bench.expect('S').sourcePort
    await bench.send('SA', { ack: 1, mss: 1460 })
    expect(bench.all().map((segment) => `${segment.flags} ${String(segment.seq)}`)).toEqual(['FA 1'])
    await bench.send('A', { seq: 1, ack: 2 })
    expect(connection.state).toBe('fin-wait-2')
    await bench.end()
  })

  test('close while it opens gives up: nothing is sent, a late SYN-ACK is reset (RFC 9293 §3.10.4)', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    const opened = expect(connection.opened).rejects.toMatchObject({ code: 'ECONNABORTED' })
    bench.localPort = bench.expect('S').sourcePort
    await connection.close()
    await opened
    bench.expectNothing()
    await bench.send('SA', { ack: 1 })
    bench.expect('R', { seq: 1 })
    await bench.end()
  })

  test('a refusal: opened and closed reject, error says why, takeError says it once', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT })
    bench.localPort = bench.expect('S').sourcePort
    expect(connection.error).toBeNull()
    await bench.send('RA', { ack: 1 })
    await expect(connection.opened).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' })
    await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(() => connection.tryRead(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ECONNREFUSED' }))
    expect(connection.takeError()).toMatchObject({ code: 'ECONNREFUSED' })
    expect(connection.takeError()).toBeNull()
    // Taken: the end of the stream, and a broken pipe.
    expect(connection.tryRead(new Uint8Array(1))).toBeNull()
    expect(() => connection.tryWrite(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'EPIPE' }))
    expect(connection.error).toMatchObject({ code: 'ECONNREFUSED' })
    await bench.end()
  })

  test('a signal gives the handshake up; later it has no say', async () => {
    const bench = await Bench.create({ family })
    const early = new AbortController()
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, signal: early.signal })
    early.abort(new Error('changed my mind'))
    await expect(connection.closed).rejects.toMatchObject({ code: 'ECONNABORTED', cause: { message: 'changed my mind' } })
    bench.expect('S')
    const late = new AbortController()
    const other = await bench.connect({ signal: late.signal })
    late.abort()
    await bench.clock.settle()
    expect(other.state).toBe('established')
    await bench.end()
  })

  test('synRetries: the last one is waited for, then it is ETIMEDOUT', async () => {
    const bench = await Bench.create({ family })
    const connection = bench.stack.tcp.open({ host: bench.remote, port: PEER_PORT, synRetries: 2 })
    const opened = expect(connection.opened).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await bench.clock.advance(6999)
    expect(bench.all()).toHaveLength(3)
    expect(connection.state).toBe('syn-sent')
    await bench.clock.advance(1)
    await opened
    bench.expectNothing()
    await bench.end()
  })

  test('synAckRetries of a listener', async () => {
    const bench = await Bench.create({ family })
    bench.stack.tcp.listen({ port: 7000, synAckRetries: 1 })
    await bench.send('S', { mss: 1460 })
    await bench.clock.advance(60_000)
    expect(bench.all().map((segment) => segment.flags)).toEqual(['SA', 'SA'])
    expect(bench.counters['synExpired']).toBe(1)
    await bench.end()
  })
})
