import { PacketList, type Packet } from '@stack/buffer'
import type { Failure } from '../errors/codes.ts'
import type { Host, Pollable } from '../registration/host.ts'

/** Somebody who asked for a link address. Called once; a null callback = cancelled. */
export interface Waiter {
  callback: ((linkAddress: Uint8Array | null, failure: Failure) => void) | null
  linkAddress: Uint8Array | null
  failure: Failure
}

/**
 * Packets to be told unreachable and callers to be answered. Both happen from the run queue: a transport must not hear
 * of a failure in the middle of its own send.
 */
export class Outcomes implements Pollable {
  queued = false
  readonly failing: PacketList = new PacketList()
  readonly settled: Waiter[] = []
  readonly host: Pick<Host, 'scheduler' | 'onError'>
  readonly unreachable: (packet: Packet) => void

  constructor(host: Pick<Host, 'scheduler' | 'onError'>, unreachable: (packet: Packet) => void) {
    this.host = host
    this.unreachable = unreachable
  }

  fail(packet: Packet): void {
    this.failing.push(packet)
    this.host.scheduler.enqueue(this)
  }

  /** Takes over the whole list. */
  failAll(packets: PacketList): void {
    if (packets.length === 0) return
    this.failing.append(packets)
    this.host.scheduler.enqueue(this)
  }

  settle(waiter: Waiter, linkAddress: Uint8Array | null, failure: Failure): void {
    waiter.linkAddress = linkAddress
    waiter.failure = failure
    this.settled.push(waiter)
    this.host.scheduler.enqueue(this)
  }

  poll(budget: number): number {
    let done = 0
    for (; done < budget; done++) {
      const packet = this.failing.shift()
      if (packet === null) break
      this.unreachable(packet)
    }
    for (; done < budget; done++) {
      const waiter = this.settled.shift()
      if (waiter === undefined) break
      try {
        waiter.callback?.(waiter.linkAddress, waiter.failure)
      } catch (error) {
        this.host.onError(error)
      }
    }
    return done
  }
}
