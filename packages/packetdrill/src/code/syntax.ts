import type { Position } from '../language/ast.ts'

/** A piece of Python that has a value. */
export type CodeExpression =
  | { readonly kind: 'literal'; readonly value: number | string | boolean | null; readonly at: Position }
  | { readonly kind: 'name'; readonly name: string; readonly at: Position }
  | { readonly kind: 'list'; readonly items: readonly CodeExpression[]; readonly at: Position }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: CodeExpression; readonly at: Position }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: CodeExpression; readonly right: CodeExpression; readonly at: Position }
  /** `and`, `or` */
  | { readonly kind: 'logical'; readonly operator: 'and' | 'or'; readonly left: CodeExpression; readonly right: CodeExpression; readonly at: Position }
  /** `a < b <= c`: one operator fewer than operands. */
  | { readonly kind: 'comparison'; readonly operands: readonly CodeExpression[]; readonly operators: readonly string[]; readonly at: Position }
  /** `yes if test else no` */
  | { readonly kind: 'choice'; readonly test: CodeExpression; readonly yes: CodeExpression; readonly no: CodeExpression; readonly at: Position }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly CodeExpression[]; readonly at: Position }
  /** The parts of an f-string. */
  | { readonly kind: 'format'; readonly parts: readonly FormatPart[]; readonly at: Position }

/** `{value:spec}`, or text. */
export interface FormatPart {
  readonly text: string
  readonly value: CodeExpression | null
  readonly spec: string
}

export type Statement =
  | { readonly kind: 'assert'; readonly test: CodeExpression; readonly message: CodeExpression | null; readonly text: string; readonly at: Position }
  | { readonly kind: 'print'; readonly values: readonly CodeExpression[]; readonly at: Position }
  | { readonly kind: 'assign'; readonly name: string; readonly value: CodeExpression; readonly at: Position }
  | { readonly kind: 'expression'; readonly value: CodeExpression; readonly at: Position }
  | { readonly kind: 'if'; readonly test: CodeExpression; readonly yes: readonly Statement[]; readonly no: readonly Statement[]; readonly at: Position }
  | { readonly kind: 'pass'; readonly at: Position }
