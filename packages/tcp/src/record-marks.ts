import { after } from './sequence.ts'

/** Where what was written as one record ends: no segment goes across (`MSG_EOR`). Sequence numbers, rising. */
export class RecordMarks {
  private marks: number[] = []

  /** A record ends before `sequence`. */
  add(sequence: number): void {
    if (this.marks.at(-1) !== sequence) this.marks.push(sequence)
  }

  /** Bytes from `sequence` to the end of its record; Infinity when it goes on to the end. */
  room(sequence: number): number {
    const mark = this.marks.find((candidate) => after(candidate, sequence))
    return mark === undefined ? Infinity : (mark - sequence) | 0
  }

  /** Everything before `start` is acknowledged; true when no mark is left. */
  consume(start: number): boolean {
    const left = this.marks.findIndex((mark) => after(mark, start))
    if (left !== 0) this.marks = left < 0 ? [] : this.marks.slice(left)
    return this.marks.length === 0
  }
}
