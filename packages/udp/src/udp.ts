import type { Udp, UdpOptions, UdpPlugin } from './api.ts'
import { checkSocketOptions, PROTOCOL_SCHEMA } from './options.ts'
import { UdpProtocol } from './protocol.ts'

/**
 * The UDP plugin (RFC 768). Its API is `stack.udp`.
 *
 * @param options - defaults of every socket
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function udp(options: UdpOptions = {}): UdpPlugin {
  checkSocketOptions('udp', options, PROTOCOL_SCHEMA)
  return {
    kind: 'transport',
    name: 'udp',
    apiVersion: 1,
    setup(host): Udp {
      const protocol = new UdpProtocol(host, options)
      host.registerTransportProtocol(protocol)
      return protocol
    },
  }
}
