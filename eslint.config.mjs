// Lint: type-checked rules everywhere, the layering of the folders, and bounds on files and functions.
import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import typescriptEslint from 'typescript-eslint';
import { layeringPlugin } from './scripts/lint/layering.mjs';

const lineLimits = {
  'max-lines': ['error', { max: 400 }],
  'max-lines-per-function': ['error', { max: 70, IIFEs: true }],
};

export default defineConfig(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'docs/', '.kvorum/', 'kvorum-data/'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [typescriptEslint.configs.strictTypeChecked, typescriptEslint.configs.stylisticTypeChecked],
    plugins: { kvorum: layeringPlugin },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'kvorum/layering': 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      // Numbers in texts are the rule here, not the exception.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // A type says what a record is keyed by; an index signature does not.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.ts', '**/*.mjs'], rules: lineLimits },
  {
    files: ['core/**/*.ts'],
    rules: {
      // Time and chance come in with the event; otherwise a run could not be replayed from its seed.
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'core has no randomness' },
        { object: 'Date', property: 'now', message: 'core has no clock' },
      ],
      'no-restricted-globals': ['error', 'Date', 'performance', 'crypto', 'process', 'setTimeout', 'console'],
    },
  },
  {
    // A describe block is a list of tests, not a function that someone reads from top to bottom.
    files: ['test/**/*.test.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // What a person runs at a terminal talks to that person.
    files: [
      'scripts/**/*.mjs',
      '*.mjs',
      'launcher/**/*.ts',
      'bench/**/*.ts',
      'monitoring/main.ts',
      'test/simulation/**/*.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        Buffer: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
);
