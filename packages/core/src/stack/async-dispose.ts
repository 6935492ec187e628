/**
 * Lets `await using` end an object, on runtimes that have the symbol. Node 20 may lack it, and a computed member would
 * become a method named "undefined" there.
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
