import type { ShellCommand } from '../language/ast.ts'
import { Unsupported } from '../language/error.ts'
import type { Command, Draft, Profile, Setting } from './profile.ts'
import { parseShell } from './shell.ts'

/** What is to be done for a shell text. */
export type Step =
  | { readonly kind: 'setting'; readonly setting: Setting; readonly name: string; readonly value: string }
  | { readonly kind: 'configure'; readonly text: string; apply(draft: Draft): boolean }
  | { readonly kind: 'forget' }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  /** So many sockets in this state. */
  | { readonly kind: 'sockets'; readonly state: string; readonly count: number }

/**
 * What a shell text of a script means under a profile; what makes no difference is left out.
 *
 * @throws Unsupported for a command or setting that the profile does not know
 */
export function interpret(command: ShellCommand, profile: Profile): Step[] {
  const steps: Step[] = []
  let pipe: string[][] = []
  for (const simple of parseShell(command.command)) {
    pipe.push([...simple.words])
    if (simple.piped) continue
    steps.push(...pipeline(pipe, command, profile))
    pipe = []
  }
  return steps
}

/** The first command of a pipe says what it is about. */
function pipeline(pipe: readonly (readonly string[])[], at: ShellCommand, profile: Profile): Step[] {
  const words = pipe[0]!
  const name = baseName(words[0]!)
  if (name === 'sockstat') return [socketCheck(pipe, at)]
  const row = profile.commands.find((candidate) => fits(candidate.name, name) && (!('when' in candidate) || candidate.when(words)))
  if (row === undefined) throw new Unsupported(`the shell command '${words.join(' ')}' has no meaning here`, at.at)
  return stepsOf(row, words, at, profile)
}

function stepsOf(row: Command, words: readonly string[], at: ShellCommand, profile: Profile): Step[] {
  switch (row.effect) {
    case 'irrelevant': return []
    case 'unsupported': throw new Unsupported(row.what, at.at)
    case 'forget': return [{ kind: 'forget' }]
    case 'wait': return [{ kind: 'wait', milliseconds: row.milliseconds(words) }]
    case 'configure': return [{ kind: 'configure', text: words.join(' '), apply: (draft) => row.apply(words, draft) }]
    case 'settings': return row.assignments(words).map(([name, value]) => settingStep(name, value, at, profile))
  }
}

function settingStep(name: string, value: string, at: ShellCommand, profile: Profile): Step {
  const setting = profile.settings.find((row) => fits(row.name, name))
  if (setting === undefined) throw new Unsupported(`the setting '${name}' is not in the table of the profile '${profile.name}'`, at.at)
  if (setting.effect === 'fixed' && !setting.values.includes(value)) {
    throw new Unsupported(`${name}=${value} is out of reach: ${setting.why}`, at.at)
  }
  return { kind: 'setting', setting, name, value }
}

/** `sockstat … | grep packetdrill | grep -c TIME_WAIT | grep 1` */
function socketCheck(pipe: readonly (readonly string[])[], at: ShellCommand): Step {
  const counted = pipe.find((words) => words[0] === 'grep' && words[1] === '-c')
  const count = Number(pipe.at(-1)?.at(-1))
  const state = counted?.[2]
  if (state === undefined || pipe.at(-1) === counted || !Number.isInteger(count)) {
    throw new Unsupported(`the check '${pipe.map((words) => words.join(' ')).join(' | ')}' has no meaning here`, at.at)
  }
  return { kind: 'sockets', state, count }
}

function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

function baseName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1)
}

/** Applies a step to a stack that is not made yet. */
export function configure(step: Step, draft: Draft, at: ShellCommand): void {
  if (step.kind === 'setting') {
    if (step.setting.effect === 'option') step.setting.apply(step.value, draft)
    else if (step.setting.effect === 'missing') draft.missing.push(`${step.name}=${step.value} (${step.setting.option})`)
  } else if (step.kind === 'configure' && !step.apply(draft)) {
    throw new Unsupported(`the shell command '${step.text}' has no meaning here`, at.at)
  }
}

