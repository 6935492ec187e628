// Millions of points onto a few hundred thousand places: only what another pixel would show is kept. Coordinates are
// whole half-pixels, so that files are small and the same everywhere.

/** Coordinates of a point, in half-pixels. */
export type Place = readonly [x: number, y: number]

/** Path data of a line through `places`, which go from left to right: first, lowest, highest and last of each column. */
export function linePath(places: Iterable<Place | null>): string {
  let path = ''
  let pen: Place | null = null
  let column: Place[] = []
  const flush = (): void => {
    for (const place of extremes(column)) {
      if (pen === null) path += `M${place[0]} ${place[1]}`
      else if (place[0] !== pen[0] || place[1] !== pen[1]) path += move(pen, place)
      pen = place
    }
    column = []
  }
  for (const place of places) {
    if (place === null || (column.length > 0 && column[0]![0] !== place[0])) flush()
    if (place === null) pen = null
    else column.push(place)
  }
  flush()
  return path
}

/** Path data of a staircase: the value holds until the next place. */
export function* stairs(places: Iterable<Place | null>): Generator<Place | null> {
  let before: Place | null = null
  for (const place of places) {
    if (place !== null && before !== null && place[0] !== before[0]) yield [place[0], before[1]]
    yield place
    before = place
  }
}

/** Path data of vertical bars from y0 up to y1, one for what covers the same pixels. */
export function barsPath(bars: Iterable<readonly [x: number, y0: number, y1: number]>): string {
  // A bar of a column that touches the one before makes it longer.
  let path = ''
  let [x, low, high] = [NaN, NaN, NaN]
  const flush = (): void => {
    if (!Number.isNaN(x)) path += `M${x} ${low}V${high === low ? high - 1 : high}`
  }
  for (const [nextX, y0, y1] of bars) {
    // y grows downwards: y1 <= y0.
    if (nextX === x && y1 <= low + 2 && y0 >= high - 2) {
      low = Math.max(low, y0)
      high = Math.min(high, y1)
      continue
    }
    flush();
    [x, low, high] = [nextX, y0, y1]
  }
  flush()
  return path
}

function extremes(column: readonly Place[]): readonly Place[] {
  if (column.length <= 2) return column
  const first = column[0]!
  const last = column.at(-1)!
  let low = 0
  let high = 0
  for (let i = 1; i < column.length; i++) {
    if (column[i]![1] < column[low]![1]) low = i
    if (column[i]![1] > column[high]![1]) high = i
  }
  return [first, column[Math.min(low, high)]!, column[Math.max(low, high)]!, last]
}

function move(from: Place, to: Place): string {
  const dx = to[0] - from[0]
  const dy = to[1] - from[1]
  if (dy === 0) return `h${dx}`
  return dx === 0 ? `v${dy}` : `l${dx} ${dy}`
}
