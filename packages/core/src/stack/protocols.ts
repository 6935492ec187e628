import type { Address } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import type { NetworkProtocol } from '../registration/network.ts'
import type { RawFactory } from '../registration/raw.ts'

/** The network protocols of a stack, and its raw factory. Transport protocols are the demultiplexer's. */
export class ProtocolRegistry {
  readonly network: NetworkProtocol[] = []
  rawFactory: RawFactory | null = null
  /** Set when `createStack` returns: later registrations would miss the NICs that are there. */
  sealed = false

  addNetwork(protocol: NetworkProtocol): void {
    this.checkOpen(protocol.name)
    const other = this.networkByNumber(protocol.number)
    if (other !== null) {
      throw new StackError(
        'ERR_STACK_ALREADY_INSTALLED',
        `${protocol.name} registers network protocol 0x${protocol.number.toString(16).padStart(4, '0')}, which ${other.name} has registered: install one of them.`,
      )
    }
    this.network.push(protocol)
  }

  setRawFactory(factory: RawFactory): void {
    this.checkOpen('The raw factory')
    if (this.rawFactory !== null) {
      throw new StackError('ERR_STACK_ALREADY_INSTALLED', 'A raw factory is installed already: install one raw plugin only.')
    }
    this.rawFactory = factory
  }

  checkOpen(name: string): void {
    if (this.sealed) throw new StackError('ERR_STACK_SETUP', `${name} registers after setup: a plugin registers synchronously, in its setup.`)
  }

  networkByNumber(number: number): NetworkProtocol | null {
    const { network } = this
    for (let i = 0; i < network.length; i++) if (network[i]!.number === number) return network[i]!
    return null
  }

  /** The protocol that `address` belongs to. */
  owner(address: Address): NetworkProtocol | null {
    const { network } = this
    for (let i = 0; i < network.length; i++) if (network[i]!.ownsAddress?.(address) === true) return network[i]!
    return null
  }
}
