import { InvalidArgumentError } from 'commander'

/** A reader of option values: a number within a range, or a usage error that says which. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text)
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a number from ${String(min)} to ${String(max)}.`)
  }
}

/** As {@link number}, without fractions. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text)
    if (Number.isInteger(value) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${String(min)} to ${String(max)}.`)
  }
}
