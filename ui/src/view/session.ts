/** What was typed survives a reload, in this tab. */
import { useEffect, useState } from 'preact/hooks';

const KEY = 'attensor-form-1';

export interface Form {
  file: string;
  fileName: string;
  prompt: string;
  answer: string;
}

const EMPTY: Form = { file: '', fileName: '', prompt: '', answer: '' };

function stored(): Form {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Form>;
    const text = (name: keyof Form): string => {
      const found = value[name];
      return typeof found === 'string' ? found : '';
    };
    return {
      file: text('file'),
      fileName: text('fileName'),
      prompt: text('prompt'),
      answer: text('answer'),
    };
  } catch {
    return EMPTY;
  }
}

export function useForm(): [Form, (change: Partial<Form>) => void] {
  const [form, setForm] = useState(stored);
  useEffect(() => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(form));
    } catch {
      // full or forbidden: then it does not survive
    }
  }, [form]);
  return [form, (change) => setForm((old) => ({ ...old, ...change }))];
}
