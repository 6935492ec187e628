import type { OpenFile } from './file.ts'
import { Epoll } from './epoll.ts'

/** Least descriptor: what is below belongs to the terminal. */
const FIRST = 3

/** Descriptors as the script numbers them. */
export class FileTable {
  private readonly files = new Map<number, OpenFile>()

  get(fd: number): OpenFile | undefined {
    return this.files.get(fd)
  }

  /** The last that was opened of those that are. */
  get latest(): OpenFile | undefined {
    return [...this.files.values()].at(-1)
  }

  /** Takes the number that the script gives it, or the least that is free. */
  add(file: OpenFile, wanted: number | null): number {
    let fd = wanted !== null && wanted >= 0 && !this.files.has(wanted) ? wanted : FIRST
    while (this.files.has(fd)) fd++
    this.files.set(fd, file)
    return fd
  }

  /** Takes the descriptor away, out of every epoll too; undefined = there is none. */
  remove(fd: number): OpenFile | undefined {
    const file = this.files.get(fd)
    this.files.delete(fd)
    for (const other of this.files.values()) if (other instanceof Epoll) other.remove(fd)
    return file
  }

  /** Everything that is open; nothing is afterwards. */
  clear(): readonly OpenFile[] {
    const open = [...this.files.values()]
    this.files.clear()
    return open
  }
}
