import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/build/',
      '**/node_modules/',
      '**/.*/',
      'models/',
      'ui/site/',
      'ui/generated/',
      'docs/api/',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strict, tseslint.configs.stylistic],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // a promise that nobody awaits hides its failure
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      // an invariant that the types do not know is checked, or the types are changed so that they do
      '@typescript-eslint/no-non-null-assertion': 'error',
      // one style: what is exported says so where it is declared; `export … from` is for a package's entries
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportNamedDeclaration[source=null][specifiers.length>0]',
          message: 'Write `export` where it is declared.',
        },
      ],
      '@typescript-eslint/no-inferrable-types': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // kernels count
      '@typescript-eslint/prefer-for-of': 'off',
      // `type` and `interface`, `Array<T>` and `T[]` are the author's choice
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/array-type': 'off',
      // a class that extends Struct({...}) has an empty body
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        performance: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  {
    files: ['ui/public/service-worker.js'],
    languageOptions: {
      globals: {
        self: 'readonly',
        fetch: 'readonly',
        caches: 'readonly',
        crypto: 'readonly',
        importScripts: 'readonly',
        Headers: 'readonly',
        Response: 'readonly',
      },
    },
  },
);
