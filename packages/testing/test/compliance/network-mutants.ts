import type { Packet } from '@stack/buffer'
import { HookPoint, mappedAddress } from '@stack/core'
import type { PlainEndpoint, PlainProtocol } from '../../src/compliance/plain-network.ts'

/** What a mutant changes of the suite's own network protocol, which passes every case. */
export interface NetworkMutant {
  protocol?(protocol: PlainProtocol): void
  endpoint?(endpoint: PlainEndpoint): void
}

/** For each case a fault that it alone catches. */
export const NETWORK_MUTANTS: Readonly<Record<string, NetworkMutant>> = {
  // --- life ---
  'describes itself': {
    protocol(protocol) {
      protocol.minimumPacketSize = 0
    },
  },
  'writes addresses as it reads them': {
    protocol(protocol) {
      protocol.formatAddress = () => '0.0.0.0'
    },
  },
  'reads nothing that is no address': {
    protocol(protocol) {
      const parse = protocol.parseAddress.bind(protocol)
      protocol.parseAddress = (text) => parse(text.trim())
    },
  },
  'owns its addresses and those of no other family': {
    protocol(protocol) {
      protocol.ownsAddress = () => true
    },
  },
  'parseAddresses reads who sends to whom': {
    protocol(protocol) {
      protocol.parseAddresses = (packet) => {
        if (packet.end - packet.start < 20) return false
        packet.sourceD = packet.view.getInt32(packet.start + 16)
        packet.destinationD = packet.view.getInt32(packet.start + 12)
        return true
      }
    },
  },
  'parseAddresses refuses headers that are cut off': {
    protocol(protocol) {
      const parse = protocol.parse.bind(protocol)
      const read = protocol.parseAddresses.bind(protocol)
      protocol.parse = (packet, result) => packet.end - packet.start >= 20 && parse(packet, result)
      protocol.parseAddresses = (packet) => read(packet) || packet.end - packet.start > 12
    },
  },
  'parse marks where the headers are': {
    protocol(protocol) {
      const parse = protocol.parse.bind(protocol)
      protocol.parse = (packet, result) => {
        const isParsed = parse(packet, result)
        result.transportProtocol = 0
        return isParsed
      }
    },
  },
  'parse refuses headers that are cut off': {
    protocol(protocol) {
      const parse = protocol.parse.bind(protocol)
      protocol.parse = (packet, result) => parse(packet, result) || packet.length === 19
    },
  },
  'its endpoints are of their NIC': {
    endpoint(endpoint) {
      endpoint.nicId = 0
    },
  },
  'its endpoints are enabled while their NIC is up': {
    endpoint(endpoint) {
      endpoint.disable = () => {}
    },
  },
  'works again after its NIC was down': {
    endpoint(endpoint) {
      let isDeaf = false
      const { disable, isForUs } = originalOf(endpoint)
      endpoint.disable = () => {
        disable()
        isDeaf = true
      }
      endpoint.isForUs = (packet) => !isDeaf && isForUs(packet)
    },
  },
  'leaves nothing behind': {
    protocol(protocol) {
      protocol.close = () => {}
    },
  },
  'closed resolves after close': {
    protocol(protocol) {
      protocol.closed = new Promise(() => {})
    },
  },

  // --- in ---
  'hands the payload up, byte for byte': {
    endpoint(endpoint) {
      const { handUp } = originalOf(endpoint)
      endpoint.handUp = (packet) => {
        if (packet.length === 1) packet.bytes[packet.start]! ^= 1
        return handUp(packet)
      }
    },
  },
  'fills in who sent it to whom': {
    endpoint(endpoint) {
      const { handUp } = originalOf(endpoint)
      endpoint.handUp = (packet) => {
        packet.sourceD = 0
        return handUp(packet)
      }
    },
  },
  'cuts off what the link padded': {
    endpoint(endpoint) {
      const { isWellFormed } = originalOf(endpoint)
      endpoint.isWellFormed = (packet) => {
        const isGood = isWellFormed(packet)
        if (isGood && packet.view.getUint16(packet.start + 2) < packet.length) packet.view.setUint16(packet.start + 2, packet.length)
        return isGood
      }
    },
  },
  'drops what is malformed': {
    endpoint(endpoint) {
      endpoint.isWellFormed = ({ bytes, start }) => bytes[start] === 0x45
    },
  },
  'releases what is malformed': {
    endpoint(endpoint) {
      // Not those of random bytes: only of the one kind that is given.
      const { drop } = originalOf(endpoint)
      endpoint.drop = (packet) => {
        const isGiven = packet.length === 33 && packet.view.getUint16(packet.start + 2) === 40
        if (!isGiven) drop(packet)
      }
    },
  },
  'drops what is for others': {
    endpoint(endpoint) {
      const { isForUs } = originalOf(endpoint)
      endpoint.isForUs = (packet) => isForUs(packet) || packet.destinationD === 0x0a000003
    },
  },
  'takes what is for others when the NIC is promiscuous': {
    endpoint(endpoint) {
      endpoint.isForUs = ({ destinationD }) => endpoint.addresses.isLocal(0, 0, 0xffff, destinationD) || endpoint.isInGroup(mappedAddress(destinationD))
    },
  },
  'drops what is for an address that was removed': {
    endpoint(endpoint) {
      const { isForUs } = originalOf(endpoint)
      const known = new Set<number>()
      endpoint.isForUs = (packet) => {
        if (packet.destinationD >>> 28 !== 14 && isForUs(packet)) known.add(packet.destinationD)
        return known.has(packet.destinationD) || isForUs(packet)
      }
    },
  },
  'takes what is for its groups, as long as it is in them': {
    endpoint(endpoint) {
      endpoint.leaveGroup = () => null
    },
  },
  'gives away what it hands up': {
    endpoint(endpoint) {
      const { handUp } = originalOf(endpoint)
      endpoint.handUp = (packet) => {
        const disposition = handUp(packet)
        if (disposition === 'handled') packet.release()
        return disposition
      }
    },
  },
  'releases what no transport wants': {
    endpoint(endpoint) {
      const { handUp } = originalOf(endpoint)
      endpoint.handUp = (packet) => {
        const disposition = handUp(packet)
        return disposition === 'portUnreachable' ? 'handled' : disposition
      }
    },
  },
  'counts what it receives': {
    endpoint(endpoint) {
      Object.defineProperty(endpoint.statistics, 'received', { get: () => 0, set: () => {} })
    },
  },
  'survives random bytes': {
    endpoint(endpoint) {
      const { isWellFormed } = originalOf(endpoint)
      endpoint.isWellFormed = (packet) => {
        if (packet.bytes[packet.start] === 0xee) throw new RangeError('version')
        return isWellFormed(packet)
      }
    },
  },
  'puts fragments together, whatever their order': {
    protocol({ reassembly }) {
      const add = reassembly.add.bind(reassembly)
      let last = -1
      reassembly.add = (packet) => {
        const offset = packet.view.getUint16(packet.networkHeader + 6) & 0x1fff
        const isInOrder = offset > last
        last = offset
        if (isInOrder) return add(packet)
        packet.release()
        return null
      }
    },
  },
  'forgets fragments that stay alone': {
    protocol(protocol) {
      const { reassembly, host } = protocol
      const add = reassembly.add.bind(reassembly)
      // Only of long ones: those of random bytes are short.
      const held: Packet[] = []
      reassembly.add = (packet) => {
        const { length } = packet
        const copy = length > 500 ? packet.clone(host.memory) : null
        if (copy !== null) held.push(copy)
        return add(packet)
      }
      protocol.close = () => {
        for (const packet of held.splice(0)) packet.release()
        reassembly.clear()
      }
    },
  },

  // --- out ---
  'sends a payload along its route': {
    endpoint(endpoint) {
      endpoint.sourceOf = ({ localAddress }) => mappedAddress(localAddress.d + 1)
    },
  },
  'sends with the time to live that it is told': {
    endpoint(endpoint) {
      endpoint.ttlOf = () => endpoint.defaultTtl
    },
  },
  'sends with its own time to live unless it is told one': {
    endpoint(endpoint) {
      endpoint.ttlOf = ({ ttl }) => (ttl === 0 ? 1 : ttl)
    },
  },
  'needs no more headroom than it says': {
    endpoint(endpoint) {
      endpoint.headerRoom = 16
    },
  },
  'sends a payload as large as its MTU whole': {
    endpoint(endpoint) {
      endpoint.mtuOf = (route) => route.mtu - 1
    },
  },
  'sends nothing larger than the MTU of the route': {
    endpoint(endpoint) {
      endpoint.mtuOf = () => endpoint.nic.mtu
    },
  },
  'refuses what is too large and must not be cut': {
    endpoint(endpoint) {
      endpoint.mayFragment = () => true
    },
  },
  'owns what it refuses': {
    endpoint(endpoint) {
      const { refuse } = originalOf(endpoint)
      endpoint.refuse = (failure, packet) => (failure === 'ENOBUFS' ? failure : refuse(failure, packet))
    },
  },
  'releases what it has sent': {
    endpoint(endpoint) {
      const { transmit } = originalOf(endpoint)
      endpoint.transmit = (route, packet) => {
        if (packet.length < 100) packet.clone(endpoint.nic.host.memory)
        transmit(route, packet)
      }
    },
  },
  'counts what it sends': {
    endpoint(endpoint) {
      Object.defineProperty(endpoint.statistics, 'sent', { get: () => 0, set: () => {} })
    },
  },
  'sends packets that have their header': {
    endpoint(endpoint) {
      endpoint.writeHeaderIncludedPacket = (_route, packet) => {
        packet.release()
        return null
      }
    },
  },

  // --- hooks ---
  'received packets pass Prerouting, then Input': hooks((endpoint, run) => (point, packet, next) => {
    if (point !== HookPoint.Prerouting || endpoint.nic.hooks.isEmpty[HookPoint.Input]!) run(point, packet, next)
    else next(packet, false)
  }),
  'sent packets pass Output, then Postrouting': hooks((endpoint, run) => (point, packet, next) => {
    if (point === HookPoint.Postrouting) next(packet, false)
    else run(point, packet, next)
  }),
  'what a hook drops at Input is not handed up': hooks((endpoint, run) => continues(endpoint, run, HookPoint.Input)),
  'what a hook drops at Output is not sent': hooks((endpoint, run) => continues(endpoint, run, HookPoint.Output)),
  'what a hook took at Prerouting goes on when it comes back': hooks((endpoint, run) => forgets(endpoint, run, HookPoint.Prerouting)),
  'what a hook took at Output goes on when it comes back': hooks((endpoint, run) => forgets(endpoint, run, HookPoint.Output)),
}

type RunHooks = PlainEndpoint['runHooks']

function hooks(change: (endpoint: PlainEndpoint, run: RunHooks) => RunHooks): NetworkMutant {
  return {
    endpoint(endpoint) {
      endpoint.runHooks = change(endpoint, originalOf(endpoint).runHooks)
    },
  }
}

/** Goes on with a copy of what a hook dropped. */
function continues(endpoint: PlainEndpoint, run: RunHooks, where: HookPoint): RunHooks {
  return (point, packet, next) => {
    const isAlone = point === where && !endpoint.nic.hooks.isEmpty[point]! && endpoint.nic.hooks.isEmpty[HookPoint.Postrouting]!
    const copy = isAlone ? packet.clone(endpoint.nic.host.memory) : null
    const passed: Packet[] = []
    run(point, packet, (accepted, reroute) => {
      passed.push(accepted)
      next(accepted, reroute)
    })
    if (copy === null) return
    // A stolen packet is not dropped: it is still somebody's.
    if (passed.length > 0 || packet.pool !== null) copy.release()
    else next(copy, false)
  }
}

/** Drops what a hook gives back. */
function forgets(endpoint: PlainEndpoint, run: RunHooks, where: HookPoint): RunHooks {
  return (point, packet, next) => {
    let isRunning = true
    run(point, packet, (accepted, reroute) => {
      if (isRunning || point !== where) next(accepted, reroute)
      else accepted.release()
    })
    isRunning = false
  }
}

type Unbound<T> = { readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => R : T[K] }

/** The methods as they are before a mutant replaces them. */
function originalOf(endpoint: PlainEndpoint): Unbound<PlainEndpoint> {
  const prototype = Object.getPrototypeOf(endpoint) as Record<string, (...args: unknown[]) => unknown>
  return new Proxy({}, { get: (_, name) => prototype[String(name)]!.bind(endpoint) }) as Unbound<PlainEndpoint>
}
