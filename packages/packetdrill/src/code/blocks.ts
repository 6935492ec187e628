import type { ScriptEvent } from '../language/ast.ts'
import { ScriptError } from '../language/error.ts'
import { createCodeRunner } from './index.ts'

/** A block of code, and what the connection said when its event came. */
export interface CodeBlock {
  readonly event: ScriptEvent
  /** `tcpi_*` figures and the symbols that code compares them with; null = there was no connection. */
  readonly values: Readonly<Record<string, number>> | null
}

/** A block whose assertion does not hold. */
export interface FailedBlock<Block extends CodeBlock> {
  readonly sample: Block
  /** `tcpi_snd_cwnd == 10 does not hold: tcpi_snd_cwnd = 12`, and what the script says about it. */
  readonly message: string
}

/**
 * Evaluates the blocks of a script, in their order, as one program.
 *
 * @returns the first block that fails; null = none does
 * @throws {@link Unsupported}, {@link ScriptError} as {@link CodeRunner.run}
 */
export function evaluateBlocks<Block extends CodeBlock>(blocks: readonly Block[]): FailedBlock<Block> | null {
  const runner = createCodeRunner({})
  for (const sample of blocks) {
    const { action } = sample.event
    if (action.kind !== 'code') throw new ScriptError('this is no block of code', sample.event.at)
    const { failed } = runner.run(action, sample.values ?? {})
    if (failed === null) continue
    const got = failed.got === '' ? '' : `: ${failed.got}`
    const message = failed.message === null ? '' : ` (${failed.message})`
    return { sample, message: `${failed.condition} does not hold${got}${message}` }
  }
  return null
}
