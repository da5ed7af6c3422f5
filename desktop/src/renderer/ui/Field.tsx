// A form field: its label, the control, a hint, and what is wrong with its value.
import type { ReactNode } from 'react';

export interface FieldTexts {
  label: string;
  problem?: string | undefined;
  hint?: string | undefined;
}

/** The attributes that connect the control with this id to its hint and problem. */
export function described(id: string, { problem, hint }: Omit<FieldTexts, 'label'>): { 'aria-invalid': boolean; 'aria-describedby'?: string } {
  const by = [problem ? `${id}-problem` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ');
  return { 'aria-invalid': problem !== undefined, ...(by ? { 'aria-describedby': by } : {}) };
}

export function Field({ id, className = 'field', label, problem, hint, children }: FieldTexts & { id: string; className?: string; children: ReactNode }) {
  return (
    <div className={className}>
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="problem">
          {problem}
        </p>
      )}
    </div>
  );
}
