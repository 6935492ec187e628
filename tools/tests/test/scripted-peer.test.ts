import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { arp } from '@stack/arp'
import { tcp } from '@stack/tcp'
import { createTestStack, fakeLink, FAMILIES, scriptedPeer, TCP_STATES, tcpHeader, type Family, type TcpStateName } from '@stack/testing'
import { describe, expect, test } from 'vitest'

async function start(family: Family, framing: 'ip' | 'ethernet' = 'ip') {
  const world = await createTestStack({ plugins: [ipv4(), ipv6(), arp(), tcp({ timeWait: 1000 })], link: fakeLink({ framing }) })
  return { ...world, peer: scriptedPeer({ ...world, family }) }
}

/** By whom a connection may be opened that comes into each state. */
const OPENINGS: Readonly<Partial<Record<TcpStateName, readonly ('active' | 'passive')[]>>> = { listen: ['passive'], 'syn-sent': ['active'] }
const WAYS = TCP_STATES.flatMap((state) => (OPENINGS[state] ?? (['active', 'passive'] as const)).map((open) => [state, open] as const))

describe.each(FAMILIES)('every TCP state over %s', (family) => {
  test.each(WAYS)('%s, opened %s', async (state, open) => {
    const { peer, stack, end } = await start(family)
    const { connection, pending, seq, ack } = await peer.inState(state, { open })
    peer.expectNothing()
    if (connection !== null) expect(connection.state).toBe(state)
    else expect(stack.tcp.connections().map((one) => one.state)).toEqual([])
    await provesIt[state](peer, seq, ack, open === 'passive')
    if (state === 'syn-sent' || state === 'syn-received') expect((await pending)!.state).toBe('established')
    await end()
  })
})

/** What only a connection in that state answers (RFC 9293 §3.10.7). */
const provesIt: Record<TcpStateName, (peer: Awaited<ReturnType<typeof start>>['peer'], seq: number, ack: number, isPassive: boolean) => Promise<void>> = {
  async closed(peer, seq, ack) {
    await peer.send('A', { seq: ack, ack: seq })
    peer.expect('R', { seq })
  },
  async listen(peer) {
    await peer.send('A', { ack: 5 })
    peer.expect('R')
    await peer.send('S')
    peer.expect('SA', { seq: 0, ack: 1 })
  },
  async 'syn-sent'(peer, seq) {
    await peer.send('SA', { seq: 0, ack: seq })
    peer.expect('A', { seq: 1, ack: 1 })
  },
  async 'syn-received'(peer, seq, ack) {
    await peer.send('A', { seq: ack, ack: seq })
    peer.expectNothing()
  },
  async established(peer, seq, ack) {
    await peer.send('PA', { seq: ack, ack: seq, data: 'x' })
    await peer.clock.advance(500)
    peer.expect('A', { seq, ack: ack + 1 })
  },
  async 'fin-wait-1'(peer, seq, ack) {
    await peer.send('FA', { seq: ack, ack: seq - 1 })
    peer.expect('A', { seq, ack: ack + 1 })
  },
  async 'fin-wait-2'(peer, seq, ack) {
    await peer.send('FA', { seq: ack, ack: seq })
    peer.expect('A', { seq, ack: ack + 1 })
  },
  async 'close-wait'(peer, seq, ack) {
    await peer.send('FA', { seq: ack - 1, ack: seq })
    peer.expect('A', { seq, ack })
  },
  async closing(peer, seq, ack) {
    await peer.send('A', { seq: ack, ack: seq })
    expect(peer.tcp.connections()).toEqual([])
    await peer.send('FA', { seq: ack - 1, ack: seq })
    peer.expect('A', { seq, ack })
  },
  async 'last-ack'(peer, seq, ack) {
    await peer.send('A', { seq: ack, ack: seq })
    await peer.send('A', { seq: ack, ack: seq })
    peer.expect('R', { seq })
  },
  async 'time-wait'(peer, seq, ack) {
    await peer.send('FA', { seq: ack - 1, ack: seq })
    peer.expect('A', { seq, ack })
    await peer.clock.advance(1000)
    await peer.send('FA', { seq: ack - 1, ack: seq })
    peer.expect('R', { seq })
  },
}

test('states that are reached one way only', async () => {
  const { peer, end } = await start('ipv4')
  await expect(peer.inState('listen', { open: 'active' })).rejects.toThrow('opens passively')
  await expect(peer.inState('syn-sent', { open: 'passive' })).rejects.toThrow('opens actively')
  await end()
})

test.each(FAMILIES)('over Ethernet the peer answers address resolution (%s)', async (family) => {
  const { peer, end } = await start(family, 'ethernet')
  const connection = await peer.connect()
  await connection.write(Uint8Array.of(1, 2, 3))
  expect(peer.expect('PA', { seq: 1, length: 3 }).packet.ethernet).toMatchObject({ destination: '02:00:00:00:00:02' })
  await peer.send('A', { seq: 1, ack: 4 })
  peer.expectNothing()
  await end()
})

describe('a script that is not kept to', () => {
  test('lists the fields that differ, and what happened so far', async () => {
    const { peer, stack, end } = await start('ipv4')
    stack.tcp.listen({ port: 7000 })
    await peer.send('S', { mss: 1000 })
    expect(() => peer.expect('A', { ack: 7, mss: 1460 })).toThrow([
      'The segment is not as expected:',
      '  flags: expected A, got SA',
      '  ack: expected 7, got 1',
      '  so far (> to the stack, < from it):',
      '    1.000000 > IP 10.0.0.2.5000 > 10.0.0.1.7000: Flags [S], seq 0, win 65535, options [mss 1000], length 0',
      '    1.000000 < IP 10.0.0.1.7000 > 10.0.0.2.5000: Flags [S.], seq 0, ack 1, win 65535, options [mss 1460], length 0',
    ].join('\n'))
    await end()
  })

  test('something, where nothing was expected; nothing, where something was', async () => {
    const { peer, end } = await start('ipv6')
    expect(() => peer.next()).toThrow('Expected a segment; the stack sent nothing.')
    expect(() => peer.expectPacket()).toThrow('Expected a packet')
    await peer.send('A', { ack: 7 })
    expect(() => {
      peer.expectNothing()
    }).toThrow('Expected nothing; the stack sent:\n  IP6 fd00::1.7000 > fd00::2.5000: Flags [R]')
    peer.expectPacket(tcpHeader({ flags: 'R' }))
    await end()
  })
})
