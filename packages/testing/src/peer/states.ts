import type { ScriptedPeer } from './peer.ts'
import type { ConnectionLike } from './tcp-like.ts'

/** The states of RFC 9293 §3.3.2. */
export type TcpStateName =
  | 'closed' | 'listen' | 'syn-sent' | 'syn-received' | 'established' | 'fin-wait-1' | 'fin-wait-2' | 'close-wait' | 'closing' | 'last-ack' | 'time-wait'

/** All eleven, for tests that run for each. */
export const TCP_STATES: readonly TcpStateName[] = [
  'closed', 'listen', 'syn-sent', 'syn-received', 'established', 'fin-wait-1', 'fin-wait-2', 'close-wait', 'closing', 'last-ack', 'time-wait',
]

/** The states that have both sequence numbers, and in which `RFC 9293 §3.10.7.4` applies. */
export const SYNCHRONIZED_STATES: readonly TcpStateName[] = TCP_STATES.slice(4)

/** A connection that was brought into a state. */
export interface InState<C> {
  /** Null in `listen`, and for a handshake that a listener has begun: there is none yet. */
  readonly connection: C | null
  /** Settles when the handshake does; null when it is done. */
  readonly pending: Promise<C | null> | null
  /** What the stack sends next and expects next, relative: SND.NXT and RCV.NXT. */
  readonly seq: number
  readonly ack: number
}

/** How a connection begins, in the options of a certain TCP. */
export interface Beginnings<C> {
  connect(): Promise<C>
  accept(): Promise<C>
  startConnect(): Promise<C>
  startListen(): { accept(): Promise<C | null> }
}

/** What `ScriptedPeer.inState` does. */
export async function bringInto<C extends ConnectionLike>(
  peer: ScriptedPeer, state: TcpStateName, open: 'active' | 'passive' | undefined, begin: Beginnings<C>,
): Promise<InState<C>> {
  const isPassive = open === 'passive' || state === 'listen'
  if (state === 'syn-sent' && isPassive) throw new Error('syn-sent is a state of who opens actively.')
  if (state === 'listen' && open === 'active') throw new Error('listen is a state of who opens passively.')
  if (state === 'listen') {
    const pending = settled(begin.startListen().accept())
    await peer.settle()
    return { connection: null, pending, seq: 0, ack: 0 }
  }
  if (state === 'syn-sent' || (state === 'syn-received' && !isPassive)) return opening(peer, state, begin)
  if (state === 'syn-received') {
    const pending = settled(begin.startListen().accept())
    await peer.send('S', { seq: 0, mss: 1460 })
    peer.expect('SA', { seq: 0, ack: 1 })
    return { connection: null, pending, seq: 1, ack: 1 }
  }
  const connection = await (isPassive ? begin.accept() : begin.connect())
  const [seq, ack] = await close(peer, state, connection)
  peer.expectNothing()
  assertState(connection, state)
  return { connection, pending: null, seq, ack }
}

async function opening<C extends ConnectionLike>(peer: ScriptedPeer, state: TcpStateName, begin: Beginnings<C>): Promise<InState<C>> {
  const before = new Set<unknown>(peer.tcp.connections())
  const pending = settled(begin.startConnect())
  await peer.settle()
  peer.localPort = peer.expect('S', { seq: 0 }).sourcePort
  // Simultaneous open (RFC 9293 §3.5).
  if (state === 'syn-received') {
    await peer.send('S', { seq: 0, mss: 1460 })
    peer.expect('SA', { seq: 0, ack: 1 })
  }
  const connection = peer.tcp.connections().find((one) => !before.has(one)) as C | undefined
  if (connection === undefined) throw new Error(`The connection that is in ${state} is not among tcp.connections().`)
  assertState(connection, state)
  return { connection, pending, seq: 1, ack: state === 'syn-sent' ? 0 : 1 }
}

/** From established on; returns SND.NXT and RCV.NXT. */
async function close(peer: ScriptedPeer, state: TcpStateName, connection: ConnectionLike): Promise<[seq: number, ack: number]> {
  const finish = async (): Promise<void> => {
    connection.shutdown('write')
    await peer.settle()
    peer.expect('FA', { seq: 1 })
  }
  switch (state) {
    case 'fin-wait-1':
      await finish()
      return [2, 1]
    case 'fin-wait-2':
      await finish()
      await peer.send('A', { seq: 1, ack: 2 })
      return [2, 1]
    case 'closing':
      await finish()
      await peer.send('FA', { seq: 1, ack: 1 })
      peer.expect('A', { seq: 2, ack: 2 })
      return [2, 2]
    case 'time-wait':
      await finish()
      await peer.send('FA', { seq: 1, ack: 2 })
      peer.expect('A', { seq: 2, ack: 2 })
      return [2, 2]
    case 'close-wait':
    case 'last-ack':
    case 'closed':
      await peer.send('FA', { seq: 1, ack: 1 })
      peer.expect('A', { seq: 1, ack: 2 })
      if (state === 'close-wait') return [1, 2]
      await finish()
      if (state === 'closed') await peer.send('A', { seq: 2, ack: 2 })
      return [2, 2]
    default:
      return [1, 1]
  }
}

function assertState(connection: ConnectionLike, state: TcpStateName): void {
  if (connection.state !== state) throw new Error(`The connection should be in ${state} and is in ${connection.state}.`)
}

/** A test may leave it alone: that it failed is not an unhandled rejection then. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
