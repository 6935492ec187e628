import { ALL_PROTOCOLS, checkOptions, StackError, type OptionSchema, type PacketEndpoint, type RawHost, type UnassociatedEndpoint } from '@stack/core'
import type { PacketSocket, PacketSocketOptions, Raw, RawSocket, RawSocketOptions, RawSocketsPlugin } from './api.ts'
import { PacketSocketEndpoint, type PacketSettings } from './packet-socket.ts'
import { RawSocketEndpoint, type RawSettings } from './raw-socket.ts'
import type { RawCounters } from './send.ts'

const IPV4 = 0x0800
const RECEIVE_BUFFER = 212_992
/** Raw and packet sockets at once. */
const MAX_SOCKETS = 4096

const byte = { type: 'number', integer: true, min: 0, max: 255 } as const
const etherType = { type: 'number', integer: true, min: 0, max: 0xffff } as const
const receiveBuffer = { type: 'number', integer: true, min: 2048, max: 1 << 28 } as const

const RAW_SCHEMA: OptionSchema = {
  networkProtocol: etherType, protocol: byte, headerIncluded: { type: 'boolean' }, nic: { type: 'any' }, ttl: byte, tos: byte, receiveBuffer,
}
const PACKET_SCHEMA: OptionSchema = { protocol: etherType, cooked: { type: 'boolean' }, nic: { type: 'any' }, receiveBuffer }

/**
 * The plugin for raw and packet sockets. Its API is `stack.raw`. Without it a stack has none, and nobody who runs inside
 * it can forge packets.
 */
export function raw(): RawSocketsPlugin {
  return {
    kind: 'raw',
    name: 'raw',
    apiVersion: 1,
    setup(host): Raw {
      const factory = new Factory(host)
      host.registerRawFactory(factory)
      return factory
    },
  }
}

class Factory implements Raw {
  private readonly host: RawHost
  private readonly counters: RawCounters = { received: 0, sent: 0, dropReceiveBufferFull: 0, dropSend: 0 }
  private readonly sockets = new Set<RawSocketEndpoint | PacketSocketEndpoint>()
  private isClosed = false

  constructor(host: RawHost) {
    this.host = host
    host.statistics.register('raw', this.counters)
  }

  open(options: RawSocketOptions): RawSocket {
    checkOptions('raw.open', options, RAW_SCHEMA)
    return this.newRaw({
      networkProtocol: options.networkProtocol ?? IPV4,
      protocol: options.protocol,
      headerIncluded: options.headerIncluded ?? false,
      nicId: options.nic === undefined ? 0 : this.host.nicId(options.nic),
      ttl: options.ttl ?? 0,
      tos: options.tos ?? 0,
      receiveBuffer: options.receiveBuffer ?? RECEIVE_BUFFER,
    })
  }

  packet(options: PacketSocketOptions = {}): PacketSocket {
    checkOptions('raw.packet', options, PACKET_SCHEMA)
    return this.newPacket({
      protocol: options.protocol ?? ALL_PROTOCOLS,
      cooked: options.cooked ?? false,
      nicId: options.nic === undefined ? 0 : this.host.nicId(options.nic),
      receiveBuffer: options.receiveBuffer ?? RECEIVE_BUFFER,
    })
  }

  newUnassociatedEndpoint(networkProtocol: number, transportProtocol: number): UnassociatedEndpoint {
    return this.newRaw({ networkProtocol, protocol: transportProtocol, headerIncluded: false, nicId: 0, ttl: 0, tos: 0, receiveBuffer: RECEIVE_BUFFER })
  }

  newPacketEndpoint(cooked: boolean, networkProtocol: number): PacketEndpoint {
    return this.newPacket({ protocol: networkProtocol, cooked, nicId: 0, receiveBuffer: RECEIVE_BUFFER })
  }

  /** @internal Called by core when the stack ends. */
  close(): void {
    this.isClosed = true
    for (const socket of [...this.sockets]) socket.close()
  }

  private newRaw(settings: RawSettings): RawSocketEndpoint {
    if (!this.host.networkProtocols.some((protocol) => protocol.number === settings.networkProtocol)) {
      throw new StackError('EAFNOSUPPORT', `No network protocol 0x${settings.networkProtocol.toString(16).padStart(4, '0')} is installed. Add ipv4() or ipv6() to the plugins.`, { syscall: 'open' })
    }
    this.assertRoom()
    const socket = new RawSocketEndpoint(this.host, settings, this.counters, (gone) => this.sockets.delete(gone))
    this.sockets.add(socket)
    return socket
  }

  private newPacket(settings: PacketSettings): PacketSocketEndpoint {
    this.assertRoom()
    const socket = new PacketSocketEndpoint(this.host, settings, this.counters, (gone) => this.sockets.delete(gone))
    this.sockets.add(socket)
    return socket
  }

  private assertRoom(): void {
    if (this.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The stack is closed; open sockets before destroy().', { syscall: 'open' })
    if (this.sockets.size >= MAX_SOCKETS) {
      throw new StackError('ERR_STACK_LIMIT', `${MAX_SOCKETS} raw and packet sockets are open; close some.`, { syscall: 'open' })
    }
  }
}
