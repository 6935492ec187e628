import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

// Packages that live at the edge of a host; all others are portable and get everything injected.
const edges = ['packages/link-tun/**', 'packages/node/**', 'packages/cli/**', 'packages/packetdrill/src/command/**', 'packages/packetdrill/src/main.ts']

const hostOnly = ['Buffer', 'process', 'global', '__dirname', '__filename', 'require'].map((name) => ({
  name,
  message: 'Portable packages run in browsers too.',
}))
const injected = 'Use the clock, scheduler, timers or random source of the host.'
const timers = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']
const ambient = [
  ...[['Date', 'now'], ['performance', 'now'], ['Math', 'random']].map(([object, property]) => ({ object, property, message: injected })),
  ...timers.flatMap((property) => ['globalThis', 'self'].map((object) => ({ object, property, message: injected }))),
]

export default defineConfig(
  globalIgnores(['**/dist/', '**/coverage/', '**/.turbo/', '**/.docs/']),
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,cjs}'],
    // Plain scripts for Node: what they use of it is not declared anywhere ESLint could see.
    rules: { 'no-undef': 'off' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // `!` is how byte code says that a bound was checked (noUncheckedIndexedAccess).
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      '@typescript-eslint/prefer-for-of': 'off',
      // Exported constants state a wider type on purpose; isolatedDeclarations would publish the literal.
      '@typescript-eslint/no-inferrable-types': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // An abort signal's reason is handed on as it is, whatever it is.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      'no-restricted-imports': ['error', {
        patterns: [
          { regex: '^(\\.\\./)+[^./]+/src/', message: 'Import other packages by name.' },
          { regex: '^@stack/[^/]+/(src|dist)/', message: 'Import what a package exports.' },
        ],
      }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: edges,
    rules: { 'no-restricted-globals': ['error', ...hostOnly, ...timers.map((name) => ({ name, message: injected }))], 'no-restricted-properties': ['error', ...ambient] },
  },
  {
    // The one place where core meets the host's clock, timers and entropy.
    files: ['packages/core/src/host/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...hostOnly], 'no-restricted-properties': 'off' },
  },
)
