import { describe, expect, test } from 'vitest'
import { drawFigure, goodputPlot, queuePlot, simulation, timeSequencePlot, windowPlot, type Figure, type Point } from '../src/index.ts'

const base: Omit<Figure, 'panels'> = { title: 'A <figure> & more', from: 0, until: 10 }

function draw(points: Iterable<Point>, kind: 'line' | 'step' | 'dots' = 'line', max?: number): string {
  return drawFigure({ ...base, panels: [{ label: 'value', unit: 'bytes', min: 0, ...(max === undefined ? {} : { max }), series: [{ label: 'one', color: 'blue', kind, points }] }] })
}

/** Path data of the only series. */
function pathOf(svg: string): string {
  return /class="s[^"]*" stroke="var\(--blue\)" d="([^"]*)"/.exec(svg)?.[1] ?? ''
}

/** Open and closed elements. */
function isBalanced(svg: string): boolean {
  const stack: string[] = []
  for (const [, closing, name, , selfClosing] of svg.matchAll(/<(\/?)([a-z]+)([^>]*?)(\/?)>/g)) {
    if (closing === '/') {
      if (stack.pop() !== name) return false
    } else if (selfClosing === '') stack.push(name!)
  }
  return stack.length === 0
}

describe('a figure', () => {
  test('is a document of its own, with its texts escaped', () => {
    const svg = draw([[0, 0], [10, 1000]])

    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 540"')).toBe(true)
    expect(svg).toContain('A &lt;figure&gt; &amp; more')
    expect(isBalanced(svg)).toBe(true)
    expect(svg).toContain('prefers-color-scheme:dark')
  })

  test('thins a million points to the raster and keeps the extremes', () => {
    function* noise(): Generator<Point> {
      for (let i = 0; i <= 1_000_000; i++) yield [i / 100_000, i === 500_000 ? 1000 : 100 + (i % 100)]
    }
    const svg = draw(noise(), 'line', 1000)

    expect(svg.length).toBeLessThan(60_000)
    // Full scale is the top of the panel: half-pixel 120.
    expect(highest(pathOf(svg))).toBe(120)
  })

  test('leaves out what lies outside, and lifts the pen', () => {
    const path = pathOf(draw([[0, 10], [1, 20], [2, 5000], [3, 30], [4, null], [5, 10], [6, 20]], 'line', 100))

    expect(path.match(/M/g)).toHaveLength(3)
    expect(highest(path)).toBeGreaterThan(120)
  })

  test.each([
    { max: 3, ticks: [0, 1, 2, 3], label: 'value, B' },
    { max: 950, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], label: 'value, kB' },
    { max: 95_000, ticks: [0, 20, 40, 60, 80, 100], label: 'value, kB' },
    { max: 2_000_000, ticks: [0, 1, 1.2, 2], label: 'value, MB' },
  ])('has ticks at round values up to $max', ({ max, ticks, label }) => {
    const svg = draw([[0, 0], [10, max]])
    const labels = Array.from(svg.matchAll(/class="e"[^>]*>([^<]*)</g), ([, text]) => Number(text))

    for (const tick of ticks) expect(labels).toContain(tick)
    expect(svg).toContain(label)
  })

  test('of nothing is an empty frame', () => {
    const svg = draw([])

    expect(isBalanced(svg)).toBe(true)
    expect(svg).not.toMatch(/NaN|Infinity/)
  })
})

test('plots of a transfer show what they say, small and the same each time', async () => {
  const render = async (): Promise<readonly string[]> => {
    const net = simulation({ seed: 3 })
    const [a, b] = [net.host('a'), net.host('b')]
    const wire = net.wire(a, b, { rate: 10e6, delay: 20, loss: 0.005, back: { loss: 0 } })
    const flow = net.transfer(a, b)
    await net.run(5)
    return [timeSequencePlot(flow), timeSequencePlot(flow, { from: 1, until: 1.5 }), windowPlot(flow), queuePlot(wire.there), goodputPlot([flow])]
  }
  const plots = await render()

  for (const svg of plots) {
    expect(isBalanced(svg)).toBe(true)
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    expect(svg.length).toBeLessThan(60_000)
  }
  for (const label of ['acknowledged', 'sent', 'sent again']) expect(plots[0]).toContain(`>${label}</text>`)
  for (const label of ['in flight', 'ssthresh', 'cwnd', 'samples', 'smoothed']) expect(plots[2]).toContain(`>${label}</text>`)
  for (const label of ['limit', 'queue', 'dropped']) expect(plots[3]).toContain(`>${label}</text>`)
  expect(plots[4]).toContain('goodput, Mbit/s')
  expect(await render()).toEqual(plots)
})

/** The smallest y of absolute and relative path data. */
function highest(path: string): number {
  let y = 0
  let top = Infinity
  for (const [, command, rest] of path.matchAll(/([MlvhV])([^MlvhV]*)/g)) {
    const numbers = rest!.trim().split(/[ ,]/).map(Number)
    if (command === 'M') y = numbers[1]!
    else if (command === 'l') y += numbers[1]!
    else if (command === 'v') y += numbers[0]!
    else if (command === 'V') y = numbers[0]!
    top = Math.min(top, y)
  }
  return top
}
