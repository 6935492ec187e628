import { now, Ready, type OpenFile, type Operation } from './file.ts'
import { ok } from './pending-call.ts'

/** What `open` gives: zeros without end, as scripts send nothing else from files. */
export class ZeroFile implements OpenFile {
  readonly kind = 'zeros'
  isNonBlocking = false
  readonly edges = 0

  poll(): number {
    return Ready.In
  }

  close(): Operation {
    return now(ok())
  }

  abort(): void {}
}
