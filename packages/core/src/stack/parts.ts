import { defaultPacketMemory } from '@stack/buffer'
import { createDemultiplexer } from '../demux/demultiplexer.ts'
import { createPortAllocator } from '../demux/port-allocator.ts'
import type { PortAllocator } from '../demux/ports.ts'
import type { Demultiplexer } from '../demux/demultiplexer.ts'
import { createHooks, type HookChains } from '../hooks/hook-chains.ts'
import { secureRandom, seededRandom } from '../host/random.ts'
import { systemClock } from '../host/system-clock.ts'
import { PacketEndpoints } from '../nic/observers.ts'
import type { Host, StatisticsRegistry } from '../registration/host.ts'
import { createTimerScope, type TimerScope } from '../time/timer-scope.ts'
import type { StackContext } from './context.ts'
import { DeferredWork } from './deferred.ts'
import { createEvents, type EventHub } from './event-hub.ts'
import { StackHost, type HostParts } from './hosts.ts'
import { NicRegistry } from './nic-registry.ts'
import { ProcessHold } from './process-hold.ts'
import { ProtocolRegistry } from './protocols.ts'
import { Router } from './router.ts'
import { createStatistics, type Statistics } from './statistics.ts'
import type { StackOptions } from './types.ts'

/** Everything one stack is made of, with the ends that only its owner may touch. */
export class StackParts implements StackContext {
  readonly name: string
  readonly timers: TimerScope
  readonly statistics: Statistics
  readonly events: EventHub
  readonly hold: ProcessHold
  readonly deferred: DeferredWork
  readonly hostParts: HostParts
  readonly host: Host
  readonly hooks: HookChains
  readonly protocols: ProtocolRegistry = new ProtocolRegistry()
  readonly nics: NicRegistry = new NicRegistry()
  readonly packetEndpoints: PacketEndpoints = new PacketEndpoints()
  readonly router: Router
  readonly demultiplexer: Demultiplexer
  readonly ports: PortAllocator
  readonly life: AbortController = new AbortController()
  readonly lifetime: AbortSignal = this.life.signal

  constructor(options: StackOptions) {
    const clock = options.clock ?? systemClock()
    const { scheduler } = clock
    const secure = options.secureRandom ?? secureRandom()
    const onError = options.onError ?? ((error: unknown): void => {
      clock.macrotask(() => {
        throw error
      })
    })
    this.name = options.name ?? 'stack'
    this.timers = createTimerScope(scheduler.timers)
    this.statistics = createStatistics()
    this.events = createEvents(scheduler, onError)
    this.hold = new ProcessHold(scheduler)
    this.deferred = new DeferredWork(scheduler)
    this.hostParts = {
      clock,
      scheduler,
      timers: this.timers,
      random: options.random ?? seededRandom(secure.uint32()),
      secureRandom: secure,
      memory: options.memory ?? defaultPacketMemory().pool(),
      log: options.log ?? { debug() {}, warn() {} },
      statistics: once(this.statistics),
      events: this.events,
      onError,
      ref: this.hold.ref,
      unref: this.hold.unref,
    }
    this.host = new StackHost(this, this.hostParts)
    const dropped: Record<string, number> = {}
    this.statistics.register('hooks', dropped)
    this.hooks = createHooks({
      onDrop: (reason, nicId) => {
        dropped[reason] = (dropped[reason] ?? 0) + 1
        const device = this.nics.device(nicId)
        if (device !== null) device.counters.dropHook++
      },
      defer: this.deferred.add,
      onError,
    })
    this.router = new Router(this)
    this.demultiplexer = createDemultiplexer(this.host)
    this.ports = createPortAllocator(secure)
  }
}

/** Counters of an endpoint that both its protocol and its NIC register count once. */
function once(statistics: StatisticsRegistry): StatisticsRegistry {
  const registered = new WeakSet<object>()
  return {
    register(path, counters) {
      if (registered.has(counters)) return () => undefined
      registered.add(counters)
      const remove = statistics.register(path, counters)
      return () => {
        registered.delete(counters)
        remove()
      }
    },
  }
}
