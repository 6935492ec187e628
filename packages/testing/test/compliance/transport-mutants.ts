import type { GoodSocket, GoodTransport } from './datagram.ts'

export type TransportMutant = (protocol: GoodTransport, shared: Set<number>) => void

/** For each case a fault that it alone catches. */
export const TRANSPORT_MUTANTS: Readonly<Record<string, TransportMutant>> = {
  'describes itself': (protocol) => {
    protocol.name = ''
  },
  'its endpoints have ids of their own': socket((made) => {
    made.uniqueId = 1
  }),
  'an endpoint that is aborted is closed': socket((made) => {
    made.closed = new Promise(() => {})
  }),
  'parsePorts reads the ports'(protocol) {
    const { parsePorts } = protocol
    protocol.parsePorts = (packet) => {
      const isRead = parsePorts(packet)
      packet.sourcePort = 0
      return isRead
    }
  },
  'parse marks the transport header': (protocol) => {
    protocol.parse = (packet) => packet.length >= 8
  },
  'parse refuses headers that are cut off': (protocol) => {
    protocol.parse = (packet) => packet.consumeTransportHeader(Math.min(packet.length, 8)) >= 0
  },
  'registers what is open'(protocol) {
    // As if it listened next door: user code is told by another way.
    const { parsePorts } = protocol
    let isBusy = false
    protocol.parsePorts = (packet) => {
      const isRead = parsePorts(packet)
      if (packet.destinationPort !== 5000 || isBusy) return isRead
      const [first] = protocol.sockets
      if (first === undefined || first.registration === null || !protocol.isGood(packet) || protocol.seen++ > 0) return isRead
      isBusy = true
      packet.destinationPort = 5001
      protocol.host.scheduler.wake({ waking: false, wake: first.heard })
      isBusy = false
      return isRead
    }
  },
  'hands messages to user code': socket((made) => {
    let isFirst = true
    const { isWanted } = made
    made.isWanted = (packet) => {
      const isDropped = !isFirst
      isFirst = false
      return !isDropped && isWanted(packet)
    }
  }),
  'runs user code last in a turn': socket((made) => {
    const { handlePacket } = made
    made.handlePacket = (id, packet) => {
      handlePacket(id, packet)
      made.wake()
    }
  }),
  'owns the packets that it is given': socket((made) => {
    // Random packets of this length are cut off.
    made.release = (packet) => {
      if (packet.length !== 48) packet.release()
    }
  }),
  'releases packets once': socket((made) => {
    made.release = (packet) => {
      packet.release()
      packet.release()
    }
  }),
  'drops packets with a wrong checksum': socket((made) => {
    made.isWanted = ({ length }) => length >= 8
  }),
  'says nothing to strangers with a wrong checksum': (protocol) => {
    protocol.handleUnknownDestinationPacket = () => 'unhandled'
  },
  'borrows the packets of strangers'(protocol) {
    const { handleUnknownDestinationPacket } = protocol
    protocol.handleUnknownDestinationPacket = (id, packet) => {
      const disposition = handleUnknownDestinationPacket(id, packet)
      if (disposition === 'unhandled') packet.release()
      return disposition
    }
  },
  'borrows the packets that errors quote': socket((made) => {
    made.handleError = (_id, _error, packet) => packet.release()
  }),
  'survives packets that are cut off, and random ones': socket((made) => {
    const { isWanted } = made
    made.isWanted = (packet) => {
      if (packet.view.getUint16(packet.start + 4) > 1000) throw new RangeError('length')
      return isWanted(packet)
    }
  }),
  'registers nothing any more once it is closed': socket((made) => {
    const { close, unregister, protocol } = made
    made.close = () => {
      made.unregister = protocol.isClosed ? unregister : () => {}
      close()
      // Known still, so that the end of the stack finds it.
      protocol.sockets.add(made)
    }
  }),
  'closed resolves after close, and not before': (protocol) => {
    protocol.closed = Promise.resolve()
  },
  'may be closed twice'(protocol) {
    const { close } = protocol
    let closedAt = -1
    protocol.close = () => {
      const { now } = protocol.host.scheduler
      if (now === closedAt) throw new Error('It is closed.')
      closedAt = now
      close()
    }
  },
  'leaves nothing registered when its stack ends': (protocol) => {
    protocol.mutateSocket = (made) => {
      const { close } = made
      made.abort = () => {}
      made.close = () => {
        if (!protocol.isClosed) close()
        else for (const packet of made.queue.splice(0)) packet.release()
      }
    }
  },
  'stacks know nothing of each other'(protocol, shared) {
    protocol.mutateSocket = (made) => {
      const { register } = made
      made.register = (port) => {
        register(port)
        if (shared.has(port)) made.unregister()
        shared.add(port)
      }
      const { close } = made
      made.close = () => {
        shared.clear()
        close()
      }
    }
  },
}

function socket(mutate: (made: GoodSocket) => void): TransportMutant {
  return (protocol) => {
    protocol.mutateSocket = mutate
  }
}
