import { barsPath, linePath, stairs, type Place } from './raster.ts'
import { scaleOf, type Scale, type Unit } from './ticks.ts'

/** A point; y null = a gap in the line. */
export type Point = readonly [x: number, y: number | null]
/** A vertical bar from y0 to y1. */
export type Bar = readonly [x: number, y0: number, y1: number]

/** What is drawn in one colour. */
export interface Series {
  readonly label: string
  readonly color: 'blue' | 'orange' | 'green' | 'red' | 'purple' | 'grey'
  readonly kind: 'line' | 'step' | 'dots' | 'bars'
  /** From left to right; read once. */
  readonly points: Iterable<Point | Bar>
  readonly dashed?: boolean
  /** Drawn thicker: for what is rare and matters. */
  readonly strong?: boolean
}

/** One diagram of a figure. */
export interface Panel {
  readonly label: string
  readonly unit: Unit
  readonly series: readonly Series[]
  /** Smallest and largest value; what is not given comes from the data. */
  readonly min?: number
  readonly max?: number
  /** Share of the figure's height. Default 1. */
  readonly weight?: number
}

/** A drawing: panels over one axis of time. */
export interface Figure {
  readonly title: string
  readonly subtitle?: string
  /** Seconds. */
  readonly from: number
  readonly until: number
  readonly panels: readonly Panel[]
  /** Pixels. Default 960 × 540. */
  readonly width?: number
  readonly height?: number
}

const LEFT = 74
const RIGHT = 16
const TOP = 60
const BOTTOM = 44
const GAP = 34
const LEGEND_STEP = 18

// Distinguishable with colour blindness, and on white as on black.
const STYLE = `
svg{--paper:#fff;--ink:#1f2328;--faint:#d8dee4;--blue:#0969da;--orange:#bc6c00;--green:#1a7f37;--red:#d1242f;--purple:#8250df;--grey:#7d8590}
@media(prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--faint:#30363d;--blue:#58a6ff;--orange:#f0a33a;--green:#3fb950;--red:#ff6b63;--purple:#bc8cff;--grey:#8b949e}}
text{font:12px system-ui,sans-serif;fill:var(--ink)}.t{font-size:16px;font-weight:600}.e{text-anchor:end}.m{text-anchor:middle}
.g{stroke:var(--faint)}.a{stroke:var(--ink)}.s{fill:none;stroke-width:3;stroke-linejoin:round}.w{stroke-width:6;stroke-linecap:square}.d{stroke-dasharray:10 8}
`.trim()

/** Draws a figure as an SVG document. The same figure gives the same bytes. */
export function drawFigure(figure: Figure): string {
  const { width = 960, height = 540, panels } = figure
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(figure.title)}</title><style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" fill="var(--paper)"/>`,
    `<text class="t" x="${LEFT}" y="24">${escape(figure.title)}</text>`,
    figure.subtitle === undefined ? '' : `<text x="${LEFT}" y="42">${escape(figure.subtitle)}</text>`,
  ]
  const x = scaleOf(figure.from, figure.until, 10, 's', true)
  const room = height - TOP - BOTTOM - GAP * (panels.length - 1)
  const total = panels.reduce((sum, { weight = 1 }) => sum + weight, 0)
  let top = TOP
  for (const [index, panel] of panels.entries()) {
    const area = { left: LEFT, top, width: width - LEFT - RIGHT, height: Math.round((room * (panel.weight ?? 1)) / total) }
    parts.push(drawPanel(panel, x, area, index === panels.length - 1))
    top += area.height + GAP
  }
  return `${parts.filter((part) => part !== '').join('\n')}\n</svg>\n`
}

interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

function drawPanel(panel: Panel, x: Scale, area: Area, isLast: boolean): string {
  const series = panel.series.map((one) => ({ ...one, points: [...one.points].filter(([at]) => at >= x.min && at <= x.max) }))
  const y = valueScale(panel, series, area)
  const bottom = area.top + area.height
  const right = area.left + area.width
  const toX = (value: number): number => area.left + ((value - x.min) / (x.max - x.min)) * area.width
  const toY = (value: number): number => bottom - ((value - y.min) / (y.max - y.min)) * area.height
  const parts: string[] = []
  for (const tick of y.ticks) {
    const at = round(toY(tick))
    parts.push(`<path class="g" d="M${area.left} ${at}H${right}"/><text class="e" x="${area.left - 6}" y="${at + 4}">${y.label(tick)}</text>`)
  }
  for (const tick of x.ticks) {
    const at = round(toX(tick))
    parts.push(`<path class="a" d="M${at} ${bottom}v5"/>`)
    if (isLast) parts.push(`<text class="m" x="${at}" y="${bottom + 18}">${x.label(tick)}</text>`)
  }
  if (isLast) parts.push(`<text class="m" x="${area.left + area.width / 2}" y="${bottom + 36}">time, ${x.unit}</text>`)
  parts.push(`<text x="${area.left}" y="${area.top - 6}">${escape(y.unit === '' ? panel.label : `${panel.label}, ${y.unit}`)}</text>`)
  const shown: Series[] = []
  parts.push('<g transform="scale(.5)">')
  for (const one of series) {
    const classes = ['s', one.strong === true ? 'w' : '', one.dashed === true ? 'd' : ''].filter((name) => name !== '').join(' ')
    const path = pathOf(one, y, (value) => Math.round(2 * toX(value)), (value) => Math.round(2 * toY(value)))
    // A pen that is only put down draws nothing.
    if (!/[hvlV]/.test(path)) continue
    parts.push(`<path class="${classes}" stroke="var(--${one.color})" d="${path}"/>`)
    shown.push(one)
  }
  parts.push('</g>', drawLegend(shown, right, area.top - 6), `<path class="a" fill="none" d="M${area.left} ${area.top}V${bottom}H${right}"/>`)
  return parts.join('\n')
}

function valueScale(panel: Panel, series: readonly { readonly points: readonly (Point | Bar)[] }[], area: Area): Scale {
  let low = Infinity
  let high = -Infinity
  for (const { points } of series) {
    for (const [, first, second] of points) {
      if (first === null) continue
      low = Math.min(low, first)
      high = Math.max(high, first, second ?? first)
    }
  }
  if (low > high) [low, high] = [0, 1]
  return scaleOf(panel.min ?? low, panel.max ?? high, Math.max(2, Math.round(area.height / 45)), panel.unit)
}

/** What lies outside of the scale is not drawn: a line has a gap there. */
function pathOf(series: Series & { readonly points: readonly (Point | Bar)[] }, y: Scale, toX: (value: number) => number, toY: (value: number) => number): string {
  const { points, kind } = series
  const isInside = (value: number | null): value is number => value !== null && value >= y.min && value <= y.max
  if (kind === 'bars') return barsPath((points as readonly Bar[]).filter(([, y0]) => isInside(y0)).map(([x, y0, y1]) => [toX(x), toY(y0), toY(y1)]))
  const places = points.map(([x, value]): Place | null => (isInside(value) ? [toX(x), toY(value)] : null))
  if (kind === 'dots') return dotsPath(places)
  return linePath(kind === 'step' ? stairs(places) : places)
}

/** A dot for each half-pixel that has one. */
function dotsPath(places: readonly (Place | null)[]): string {
  const seen = new Set<number>()
  let path = ''
  for (const place of places) {
    if (place === null) continue
    const key = place[0] * 65_536 + place[1]
    if (seen.has(key)) continue
    seen.add(key)
    path += `M${place[0]} ${place[1]}v2`
  }
  return path
}

/** From the right: the width of a text is guessed. */
function drawLegend(series: readonly Series[], right: number, y: number): string {
  const parts: string[] = []
  let x = right
  for (const { label, color, dashed } of series.toReversed()) {
    x -= Math.round(label.length * 6.8)
    parts.push(`<text x="${x}" y="${y}">${escape(label)}</text>`)
    x -= LEGEND_STEP
    parts.push(`<path d="M${x} ${y - 4}h12" stroke="var(--${color})" stroke-width="3"${dashed === true ? ' stroke-dasharray="4 2"' : ''}/>`)
    x -= LEGEND_STEP - 6
  }
  return parts.join('')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
