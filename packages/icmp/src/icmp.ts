import { checkOptions, StackError, type Address, type TransportHost } from '@stack/core'
import type { EchoOptions, EchoSocket, Icmp, IcmpPlugin, PingOptions, PingReply } from './api.ts'
import { Echo } from './echo.ts'
import { OPEN_SCHEMA, PING_SCHEMA } from './options.ts'
import { EchoProtocol, type IcmpCounters } from './protocol.ts'
import { ECHO_TYPE, ICMPV4_PROTOCOL, ICMPV6_PROTOCOL } from './wire.ts'

/** The plugin for echo sockets. Its API is `stack.icmp`; answering requests is the network protocols' business. */
export function icmp(): IcmpPlugin {
  return {
    kind: 'transport',
    name: 'icmp',
    apiVersion: 1,
    setup: (host) => new Api(host),
  }
}

class Api implements Icmp {
  private readonly host: TransportHost
  private readonly protocols: readonly EchoProtocol[]

  constructor(host: TransportHost) {
    const counters: IcmpCounters = { requests: 0, replies: 0, timeouts: 0, errors: 0, dropUnexpected: 0, dropStrayError: 0 }
    this.host = host
    this.protocols = [
      new EchoProtocol(host, counters, 'icmpv4', ICMPV4_PROTOCOL, 0x0800, ECHO_TYPE.v4Request, ECHO_TYPE.v4Reply),
      new EchoProtocol(host, counters, 'icmpv6', ICMPV6_PROTOCOL, 0x86dd, ECHO_TYPE.v6Request, ECHO_TYPE.v6Reply),
    ]
    for (const protocol of this.protocols) host.registerTransportProtocol(protocol)
    host.statistics.register('icmp', counters)
  }

  async ping(host: string, options: PingOptions = {}): Promise<PingReply> {
    checkOptions('icmp.ping', options, PING_SCHEMA)
    const { nic, localHost, ...request } = options
    const socket = this.newEcho(host, nic, localHost)
    try {
      return await socket.ping(request)
    } finally {
      socket.close()
    }
  }

  open(host: string, options: EchoOptions = {}): EchoSocket {
    checkOptions('icmp.open', options, OPEN_SCHEMA)
    return this.newEcho(host, options.nic, options.localHost)
  }

  private newEcho(host: string, nic: number | string | undefined, localHost: string | undefined): Echo {
    const target = this.host.parseAddress(host)
    const family = this.host.networkProtocolOf(target)
    const protocol = this.protocols.find((candidate) => candidate.networkProtocol === family)
    if (protocol === undefined) {
      throw new StackError('EAFNOSUPPORT', `No installed network protocol answers echo for ${host}. Add ipv4() or ipv6() to the plugins.`, { syscall: 'ping', address: host })
    }
    if (protocol.isClosed) throw new StackError('ERR_STACK_CLOSED', 'The stack is closed.', { syscall: 'ping' })
    const nicId = nic === undefined ? target.zone : this.host.nicId(nic)
    return new Echo(protocol, target, nicId, localHost === undefined ? null : this.source(localHost))
  }

  private source(text: string): Address {
    const address = this.host.parseAddress(text)
    if (this.host.checkLocalAddress(address.zone, address) !== 0) return address
    throw new StackError('EADDRNOTAVAIL', `${text} is not an address of this stack.`, { syscall: 'ping', address: text })
  }
}
