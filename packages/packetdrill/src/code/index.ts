import type { CodeAction } from '../language/ast.ts'
import { evaluate, truth } from './evaluate.ts'
import type { CodeValue, Scope } from './evaluate.ts'
import { show } from './format.ts'
import { parseCode } from './parse.ts'
import type { CodeExpression, Statement } from './syntax.ts'

export type { CodeValue } from './evaluate.ts'

/** Evaluates the `%{ … }%` blocks of one script, in their order: what a block assigns, later blocks see. */
export interface CodeRunner {
  /**
   * @param sampled what the connection said at the block's time, by name (`tcpi_snd_cwnd`); it hides symbols, not assignments
   * @throws {@link Unsupported} for Python that is not evaluated here, or a name that is not known: it names the construct
   * @throws {@link ScriptError} where Python would raise an error, such as a division by zero
   */
  run(block: CodeAction, sampled: Readonly<Record<string, CodeValue>>): CodeOutcome
}

export interface CodeOutcome {
  /** What it printed, line by line. */
  readonly printed: readonly string[]
  /** The assertion that did not hold; null = all held. */
  readonly failed: FailedAssertion | null
}

export interface FailedAssertion {
  /** `tcpi_snd_cwnd == 10` */
  readonly condition: string
  /** The names in it with their values: `tcpi_snd_cwnd = 12`. */
  readonly got: string
  /** What the script says about it; null = nothing. */
  readonly message: string | null
}

/**
 * An evaluator for the Python of packetdrill scripts: `assert`, `print`, assignments and `if` over numbers,
 * strings and tuples.
 *
 * @param symbols values of names such as `TCP_CA_Open` and `TCPI_OPT_SACK`
 * @example
 * ```ts
 * const code = createCodeRunner({ TCP_CA_Open: 0 })
 * code.run(block, { tcpi_ca_state: 0, tcpi_snd_cwnd: 10 }).failed // null
 * ```
 */
export function createCodeRunner(symbols: Readonly<Record<string, CodeValue>>): CodeRunner {
  const assigned = new Map<string, CodeValue>()
  return {
    run(block, sampled) {
      const scope: Scope = {
        get(name) {
          if (assigned.has(name)) return assigned.get(name)
          if (Object.hasOwn(sampled, name)) return sampled[name]
          return Object.hasOwn(symbols, name) ? symbols[name] : undefined
        },
      }
      const printed: string[] = []
      // The text stands behind `%{`.
      const at = { line: block.at.line, column: block.at.column + 2 }
      const failed = execute(parseCode(block.code, at), scope, assigned, printed)
      return { printed, failed }
    },
  }
}

function execute(statements: readonly Statement[], scope: Scope, assigned: Map<string, CodeValue>, printed: string[]): FailedAssertion | null {
  for (const statement of statements) {
    let failed: FailedAssertion | null = null
    switch (statement.kind) {
      case 'assert':
        if (!truth(evaluate(statement.test, scope))) failed = failure(statement, scope)
        break
      case 'print':
        printed.push(statement.values.map((value) => show(evaluate(value, scope), false)).join(' '))
        break
      case 'assign':
        assigned.set(statement.name, evaluate(statement.value, scope))
        break
      case 'expression':
        evaluate(statement.value, scope)
        break
      case 'if':
        failed = execute(truth(evaluate(statement.test, scope)) ? statement.yes : statement.no, scope, assigned, printed)
        break
      case 'pass':
        break
    }
    if (failed !== null) return failed
  }
  return null
}

function failure(statement: Statement & { readonly kind: 'assert' }, scope: Scope): FailedAssertion {
  const names = new Set(namesIn(statement.test))
  const got = [...names].map((name) => `${name} = ${show(scope.get(name) ?? null)}`).join(', ')
  const message = statement.message === null ? null : show(evaluate(statement.message, scope), false)
  return { condition: statement.text, got, message }
}

function namesIn(expression: CodeExpression): string[] {
  return expression.kind === 'name' ? [expression.name] : partsOf(expression).flatMap(namesIn)
}

function partsOf(expression: CodeExpression): readonly CodeExpression[] {
  switch (expression.kind) {
    case 'literal':
    case 'name':
      return []
    case 'list':
      return expression.items
    case 'unary':
      return [expression.operand]
    case 'binary':
    case 'logical':
      return [expression.left, expression.right]
    case 'comparison':
      return expression.operands
    case 'choice':
      return [expression.test, expression.yes, expression.no]
    case 'call':
      return expression.arguments
    case 'format':
      return expression.parts.flatMap((part) => (part.value === null ? [] : [part.value]))
  }
}
