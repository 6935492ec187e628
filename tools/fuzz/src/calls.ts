import type { Connection, Listener } from '@stack/tcp'
import { pattern } from '@stack/testing'
import { ADDRESSES, PEER } from './addresses.ts'
import { PORTS, type World } from './world.ts'

type Act = (world: World, a: number, b: number, held: Held) => void

/** What calls have opened and later calls use. */
export interface Held {
  readonly listeners: Listener[]
  readonly writing: Set<Connection>
  readonly reading: Set<Connection>
}

export function newHeld(): Held {
  return { listeners: [], writing: new Set(), reading: new Set() }
}

/** Connection `index` of those that there are, the setup's first. */
function connectionAt({ connection, stack }: World, index: number): Connection | null {
  const all = [...new Set([...(connection === null ? [] : [connection]), ...stack.tcp.connections()])]
  return all.length === 0 ? null : all[index % all.length]!
}

function onConnection(act: (connection: Connection, world: World, a: number, b: number, held: Held) => void): Act {
  return (world, a, b, held) => {
    const connection = connectionAt(world, b)
    if (connection !== null) act(connection, world, a, b, held)
  }
}

function peerOf({ setup: { family } }: World): string {
  return ADDRESSES[family][PEER]!
}

const SCRATCH = new Uint8Array(65_536)

export const TCP_CALLS: Readonly<Record<string, Act>> = {
  write: onConnection((connection, world, a, _b, { writing }) => {
    if (writing.has(connection)) return
    writing.add(connection)
    void world.track('write', connection.write(pattern(a, connection.bytesWritten))).then(() => writing.delete(connection))
  }),
  writeEnd: onConnection((connection, world, a, _b, { writing }) => {
    if (writing.has(connection)) return
    writing.add(connection)
    void world.track('write with end', connection.write(pattern(a, connection.bytesWritten), { end: true })).then(() => writing.delete(connection))
  }),
  tryWrite: onConnection((connection, _world, a, _b, { writing }) => {
    if (!writing.has(connection)) connection.tryWrite(pattern(a, connection.bytesWritten))
  }),
  tryRead: onConnection((connection, _world, a, _b, { reading }) => {
    if (!reading.has(connection)) connection.tryRead(SCRATCH.subarray(0, 1 + a))
  }),
  read: onConnection((connection, world, a, _b, { reading }) => {
    if (reading.has(connection)) return
    reading.add(connection)
    void world.track('read', connection.read(new Uint8Array(1 + a))).then(() => reading.delete(connection))
  }),
  discard: onConnection((connection, _world, a, _b, { reading }) => {
    if (!reading.has(connection)) connection.discard(1 + a)
  }),
  peek: onConnection((connection) => {
    connection.peek(new Uint8Array(64))
  }),
  info: onConnection((connection) => {
    connection.info()
  }),
  shutdown: onConnection((connection, _world, a) => {
    connection.shutdown((['write', 'read', 'both'] as const)[a % 3]!)
  }),
  close: onConnection((connection, world) => {
    void world.track('close', connection.close())
  }),
  abort: onConnection((connection) => {
    connection.abort()
  }),
  closed: onConnection((connection, world) => {
    void world.track('closed', connection.closed)
    void world.track('opened', connection.opened)
  }),
  configure: onConnection((connection, _world, a) => {
    connection.configure([
      { noDelay: true }, { noDelay: false }, { cork: true }, { cork: false }, { receiveBuffer: 4096 }, { receiveBuffer: 262_144 }, { delayedAck: 0 },
      { delayedAck: 500 }, { keepAlive: { idle: 5000, interval: 1000, count: 2 } }, { windowClamp: 1024 }, { userTimeout: 20_000 }, { receiveLowWater: 1000 },
    ][a % 12]!)
  }),
  connect: (world, a) => {
    if (world.stack.tcp.connections().length < 8) void world.track('connect', world.stack.tcp.connect({ host: peerOf(world), port: PORTS.peer + (a % 4), timeout: 30_000 }))
  },
  listen: (world, _a, _b, { listeners }) => {
    const listener = world.stack.tcp.listen({ port: PORTS.listener, backlog: 2 })
    listeners.push(listener)
    void world.track('listener closed', listener.closed)
  },
  accept: (world, _a, b, { listeners }) => {
    const listener = listeners[b % Math.max(1, listeners.length)]
    if (listener !== undefined) void world.track('accept', listener.accept())
  },
  closeListener: (world, _a, b, { listeners }) => {
    const listener = listeners[b % Math.max(1, listeners.length)]
    if (listener !== undefined) void world.track('close of a listener', listener.close())
  },
}

export const UDP_CALLS: Readonly<Record<string, Act>> = {
  udpSend: (world, a, b) => {
    world.stack.udp.connect({ host: peerOf(world), port: PORTS.peer + (b % 3) }).send(pattern(a % 20_000))
  },
  udpReceive: (world) => {
    void world.track('receive', world.stack.udp.bind().receive())
  },
  udpGroup: (world) => {
    world.stack.udp.bind().joinGroup(world.setup.family === 'ipv4' ? '239.1.2.3' : 'ff05::1:3')
  },
  udpBroadcast: (world, a) => {
    if (world.setup.family === 'ipv4') world.stack.udp.bind({ broadcast: true }).send(pattern(a % 1000), { host: '10.0.0.255', port: 9 })
  },
  udpClose: (world) => {
    world.stack.udp.connect({ host: peerOf(world), port: PORTS.peer }).close()
  },
}

export const HOST_CALLS: Readonly<Record<string, Act>> = {
  ping: (world, a) => {
    void world.track('ping', world.stack.icmp.ping(peerOf(world), { size: a % 4000, timeout: 5000 }))
  },
  rawSend: (world, a) => {
    world.stack.raw.open({ protocol: 253, networkProtocol: world.setup.family === 'ipv4' ? 0x0800 : 0x86dd }).send(pattern(a % 3000), peerOf(world))
  },
  rawReceive: (world) => {
    void world.track('receive of a raw socket', world.stack.raw.open({ protocol: 253 }).receive())
  },
  packetReceive: (world) => {
    void world.track('receive of a packet socket', world.stack.raw.packet({ receiveBuffer: 8192 }).receive())
  },
  resolve: (world, a) => {
    void world.track('resolve', world.nic.neighbors.resolve(ADDRESSES[world.setup.family][a % 3 === 1 ? 2 : 0]!))
  },
  flushNeighbors: (world) => {
    world.nic.neighbors.flush()
  },
  addAddress: (world, a) => {
    void world.track('addAddress', world.nic.addAddress(world.setup.family === 'ipv4' ? `10.0.0.${20 + (a % 3)}/24` : `fd00::${20 + (a % 3)}/64`))
  },
  removeAddress: (world, a) => {
    world.nic.removeAddress(world.setup.family === 'ipv4' ? `10.0.0.${20 + (a % 3)}` : `fd00::${20 + (a % 3)}`)
  },
  carrier: (world, a) => {
    world.wire.link.setCarrier(a % 2 === 0)
  },
  upDown: (world, a) => {
    if (a % 2 === 0) world.nic.down()
    else world.nic.up()
  },
  statistics: (world) => {
    world.stack.statistics()
  },
}

export const CALLS: Readonly<Record<string, Act>> = { ...TCP_CALLS, ...UDP_CALLS, ...HOST_CALLS }
