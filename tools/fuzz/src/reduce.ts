import type { Case, Frame, Step } from './case.ts'

/** What fast-check leaves is small by its own measure; this takes out what a reader would ask about: steps, frames, fields that do not matter. */
export async function reduce(kase: Case, fails: (kase: Case) => Promise<boolean>, tries = 600): Promise<Case> {
  let best = kase
  for (let isBetter = true; isBetter; ) {
    isBetter = false
    for (const candidate of smaller(best)) {
      if (tries-- <= 0) return best
      if (!(await fails(candidate))) continue
      best = candidate
      isBetter = true
      break
    }
  }
  return best
}

function* smaller({ setup, steps }: Case): Generator<Case> {
  for (let i = 0; i < steps.length; i++) {
    yield { setup, steps: steps.toSpliced(i, 1) }
    for (const step of smallerSteps(steps[i]!)) yield { setup, steps: steps.with(i, step) }
  }
}

function* smallerSteps(step: Step): Generator<Step> {
  if (!('frames' in step)) return
  const { frames } = step
  for (let i = 0; i < frames.length; i++) {
    if (frames.length > 1) yield { frames: frames.toSpliced(i, 1) }
    for (const frame of smallerFrames(frames[i]!)) yield { frames: frames.with(i, frame) }
  }
}

function* smallerFrames(frame: Frame): Generator<Frame> {
  const needed = new Set(['is', 'net', 'flow', 'flags', 'seq', 'ack', 'win', 'text', 'from', 'to', 'reply', 'identifier', 'sequence', 'type', 'code', 'parameter', 'quote', 'cut', 'operation', 'sender', 'target', 'senderLink', 'bytes', 'bare', 'hopLimit'])
  for (const name of Object.keys(frame)) if (!needed.has(name) && !(frame.is === 'ndp' && (name === 'flags' || name === 'options'))) yield without(frame, name)
  for (const name of Object.keys(frame.net)) if (name !== 'family') yield { ...frame, net: without(frame.net, name) }
}

function without<T extends object>(value: T, name: string): T {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)) as T
}
