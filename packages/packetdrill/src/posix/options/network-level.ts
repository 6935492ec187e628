import { fail, ok, type Outcome } from '../pending-call.ts'
import type { System } from '../posix.ts'
import { integer, readOnly, remembered, unsupported, type OptionTable, type Socket } from './option.ts'

/** ECN is the connection's own business on Linux. */
const ECN_BITS = 3
const DISCOVER_DONT = 0
const DISCOVER_WANT = 1
const DISCOVER_DO = 2
const DEFAULT_TTL = 64
const LEAST_MTU = 1500

function tos(socket: Socket): number {
  return socket.kind === 'tcp' ? socket.option('tos') : (socket.settings.tos ?? 0)
}

function setTos(socket: Socket, value: number, system: System): Outcome {
  return socket.configure({ tos: socket.kind === 'tcp' && system === 'linux' ? value & ~ECN_BITS : value })
}

function ttl(socket: Socket): number {
  const value = socket.kind === 'tcp' ? socket.option('ttl') : (socket.settings.ttl ?? 0)
  return value === 0 ? DEFAULT_TTL : value
}

function setTtl(socket: Socket, value: number): Outcome {
  return socket.configure({ ttl: value === -1 ? 0 : value })
}

/**
 * PMTU discovery is always on (RFC 1191 §3): asking for it changes nothing. Who asks for none gets segments that fit the path all the
 * same; anything else is refused.
 */
const discovery = (name: string): ReturnType<typeof remembered> =>
  integer(
    (socket) => socket.remembered.get(name) ?? DISCOVER_WANT,
    (socket, value) => {
      if (value !== DISCOVER_DONT && value !== DISCOVER_WANT && value !== DISCOVER_DO) return fail('ENOPROTOOPT')
      socket.remembered.set(name, value)
      return ok()
    },
  )

const pathMtu = readOnly((socket) => (socket.kind === 'tcp' ? (socket.connection?.info().pathMtu ?? LEAST_MTU) : LEAST_MTU))

/** Level IPPROTO_IP. */
export const IP_LEVEL: OptionTable = {
  IP_TOS: integer(tos, setTos, 0, 255),
  IP_TTL: integer(ttl, setTtl, -1, 255),
  IP_MTU_DISCOVER: discovery('IP_MTU_DISCOVER'),
  IP_MTU: pathMtu,
  IP_BIND_ADDRESS_NO_PORT: remembered('IP_BIND_ADDRESS_NO_PORT'),
  // Scripts bind to addresses that there are.
  IP_FREEBIND: remembered('IP_FREEBIND'),
  IP_DONTFRAG: integer(() => 1, (_, value) => (value !== 0 ? ok() : fail('ENOPROTOOPT'))),
  IP_TRANSPARENT: unsupported('addresses of others (IP_TRANSPARENT)'),
  IP_HDRINCL: unsupported('raw sockets (IP_HDRINCL)'),
}

/** Level IPPROTO_IPV6. */
export const IPV6_LEVEL: OptionTable = {
  IPV6_TCLASS: integer(tos, setTos, -1, 255),
  IPV6_UNICAST_HOPS: integer(ttl, setTtl, -1, 255),
  IPV6_MTU_DISCOVER: discovery('IPV6_MTU_DISCOVER'),
  IPV6_MTU: pathMtu,
  IPV6_V6ONLY: remembered('IPV6_V6ONLY'),
}

/** Level IPPROTO_UDP. */
export const UDP_LEVEL: OptionTable = {
  UDP_ENCAP: unsupported('protocols inside of UDP (UDP_ENCAP)'),
  UDP_SEGMENT: unsupported('segmentation of UDP (UDP_SEGMENT)'),
  UDP_GRO: unsupported('segmentation of UDP (UDP_GRO)'),
}
