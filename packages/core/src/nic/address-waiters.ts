import { sameAddress, type Address } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import { reasonOf } from '../stack/abort.ts'
import type { AddressEndpoint } from '../registration/network.ts'

interface Waiter {
  readonly address: Address
  resolve(): void
  reject(error: Error): void
}

/** Calls that wait for the verdict of duplicate detection about their address. */
export class AddressWaiters {
  private waiters: readonly Waiter[] = []

  /** Settles when the record of `address` is usable, duplicate or gone, or the signal says so. `text` is for messages. */
  wait(address: Address, text: string, signal: AbortSignal | undefined): Promise<void> {
    const verdict = new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(reasonOf(signal))
        return
      }
      const finish = (): void => {
        this.waiters = this.waiters.filter((other) => other !== waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        address,
        resolve: () => {
          finish()
          resolve()
        },
        reject: (error) => {
          finish()
          reject(Object.assign(error, { address: text }))
        },
      }
      const onAbort = (): void => {
        finish()
        reject(reasonOf(signal!))
      }
      signal?.addEventListener('abort', onAbort)
      this.waiters = [...this.waiters, waiter]
    })
    // A caller that failed at something else meanwhile does not look at it any more.
    verdict.catch(() => undefined)
    return verdict
  }

  changed(record: AddressEndpoint): void {
    for (const waiter of this.waiters) {
      if (!sameAddress(waiter.address, record.address)) continue
      if (record.state === 'duplicate') {
        waiter.reject(new StackError('EADDRINUSE', 'another host on the link uses this address: choose a different one', { syscall: 'addAddress' }))
      } else if (record.state === 'removed') {
        waiter.reject(new StackError('EADDRNOTAVAIL', 'the address was removed before it was assigned', { syscall: 'addAddress' }))
      } else if (record.state !== 'tentative') {
        waiter.resolve()
      }
    }
  }

  /** The NIC goes. */
  close(): void {
    for (const waiter of this.waiters) {
      waiter.reject(new StackError('ERR_STACK_CLOSED', 'the NIC was removed before the address was assigned', { syscall: 'addAddress' }))
    }
  }
}
