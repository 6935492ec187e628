/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Lets `await using` end an object, on runtimes that have the symbol. Node 20 may lack it, and a computed member would
 * become a method named "undefined" there; a class says `declare readonly [Symbol.asyncDispose]: () => Promise<void>`.
 *
 * @example
 * ```ts
 * import { installAsyncDispose } from '@stack/core'
 *
 * class Door {
 *   static {
 *     installAsyncDispose(this.prototype, (door) => door.close())
 *   }
 *   declare readonly [Symbol.asyncDispose]: () => Promise<void>
 *   async close(): Promise<void> {
 *     console.log('closed')
 *   }
 * }
 * await using door = new Door()
 * ```
 */
export function installAsyncDispose<T extends object>(prototype: T, dispose: (target: T) => Promise<void>): void {
  const symbol = (Symbol as { readonly asyncDispose?: symbol }).asyncDispose
  if (symbol === undefined) return
  Object.defineProperty(prototype, symbol, {
    value(this: T): Promise<void> {
      return dispose(this)
    },
    configurable: true,
    writable: true,
  })
}
