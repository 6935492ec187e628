import type { Demultiplexer } from '../demux/demultiplexer.ts'
import type { PortAllocator } from '../demux/ports.ts'
import type { Hooks } from '../hooks/hooks.ts'
import type { PacketEndpoints } from '../nic/observers.ts'
import type { Host } from '../registration/host.ts'
import type { NicRegistry } from './nic-registry.ts'
import type { ProtocolRegistry } from './protocols.ts'
import type { Router } from './router.ts'

/** The parts of one stack, as they see each other. */
export interface StackContext {
  readonly name: string
  readonly host: Host
  readonly hooks: Hooks
  readonly protocols: ProtocolRegistry
  readonly nics: NicRegistry
  readonly router: Router
  readonly demultiplexer: Demultiplexer
  readonly ports: PortAllocator
  readonly packetEndpoints: PacketEndpoints
  /** Aborted when the stack is closed, with the error that pending calls reject with. */
  readonly lifetime: AbortSignal
}
