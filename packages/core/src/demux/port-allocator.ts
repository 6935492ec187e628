import { isMapped, isUnspecified, type Address } from '../address/address.ts'
import { ADDRESS_WORDS, writeAddresses } from '../address/words.ts'
import type { Failure } from '../errors/codes.ts'
import { createSipHash } from '../host/siphash.ts'
import type { SecureRandom } from '../registration/host.ts'
import type { PortAllocator, PortRequest, PortReservation } from './ports.ts'

/** IANA's dynamic range (RFC 6335 §6). */
const FIRST_EPHEMERAL = 49152
const EPHEMERAL_COUNT = 65536 - FIRST_EPHEMERAL
/** Counters of RFC 6056 §3.3.4; more of them separate more destinations. */
const COUNTERS = 256

interface Held {
  readonly address: Address
  readonly nicId: number
  readonly reusePort: boolean
  readonly reuseAddress: boolean
}

/** Keeps the books of local ports. Bounded by the 65,536 ports a protocol has and the sockets that its owner allows. */
export function createPortAllocator(random: SecureRandom): PortAllocator {
  const held = new Map<number, Held[]>()
  const hash = createSipHash(random)
  const counters = new Uint16Array(COUNTERS)
  const words = new Int32Array(1 + ADDRESS_WORDS)

  return {
    reserve(request: PortRequest): PortReservation | Failure {
      if (request.port !== 0) return take(request, request.port)
      const start = (random.uint32() % EPHEMERAL_COUNT) | 0
      for (let i = 0; i < EPHEMERAL_COUNT; i++) {
        const answer = take(request, FIRST_EPHEMERAL + ((start + i) % EPHEMERAL_COUNT), true)
        if (typeof answer === 'object') return answer
      }
      return 'EADDRINUSE'
    },

    // Double-Hash Port Selection, RFC 6056 §3.3.4; the halves of one hash are the two that it wants.
    pickEphemeral(protocol, local, remote, remotePort, usable): number {
      const n = keyWords(protocol, local, remote, remotePort)
      // What is left of a number beyond 31 bits is a double to the engine: ports would be, too, wherever they are kept.
      const offset = ((hash.low(words, n) >>> 0) % EPHEMERAL_COUNT) | 0
      const index = (hash.high >>> 0) % COUNTERS
      for (let i = 0; i < EPHEMERAL_COUNT; i++) {
        const port = FIRST_EPHEMERAL + ((offset + counters[index]!) % EPHEMERAL_COUNT)
        counters[index] = counters[index]! + 1
        if (!held.has(protocol * 65536 + port) && usable(port)) return port
      }
      return 0
    },
  }

  function take(request: PortRequest, port: number, fresh = false): PortReservation | Failure {
    const key = request.protocol * 65536 + port
    const entry: Held = {
      address: request.address,
      nicId: request.nicId ?? 0,
      reusePort: request.reusePort ?? false,
      reuseAddress: request.reuseAddress ?? false,
    }
    const others = held.get(key)
    if (others === undefined) held.set(key, [entry])
    else {
      // Port 0 asks for a port of one's own even when it may be shared (LESSONS §7: REUSEADDR with port 0).
      if (fresh || others.some((other) => conflict(entry, other))) return 'EADDRINUSE'
      others.push(entry)
    }
    return {
      port,
      release: () => {
        const list = held.get(key)
        const at = list?.indexOf(entry) ?? -1
        if (list === undefined || at < 0) return
        list.splice(at, 1)
        if (list.length === 0) held.delete(key)
      },
    }
  }

  /** What the hash is of, in `words`; returns how many. */
  function keyWords(protocol: number, local: Address, remote: Address, remotePort: number): number {
    words[0] = (protocol << 16) | remotePort
    return writeAddresses(words, 1, local, remote)
  }
}

function conflict(x: Held, y: Held): boolean {
  if (x.nicId !== 0 && y.nicId !== 0 && x.nicId !== y.nicId) return false
  if (!overlap(x.address, y.address)) return false
  return !((x.reusePort && y.reusePort) || (x.reuseAddress && y.reuseAddress))
}

/** `::` covers both families, `0.0.0.0` every IPv4 address. */
function overlap(x: Address, y: Address): boolean {
  if (isUnspecified(x)) return covers(x, y)
  if (isUnspecified(y)) return covers(y, x)
  return x.a === y.a && x.b === y.b && x.c === y.c && x.d === y.d && (x.zone === y.zone || x.zone === 0 || y.zone === 0)
}

function covers(any: Address, other: Address): boolean {
  return isMapped(any) ? isMapped(other) || (isUnspecified(other) && !isMapped(other)) : true
}
