/**
 * Chat templates of a model folder (`tokenizer_config.json` or `chat_template.jinja`), rendered by
 * `@huggingface/jinja` as Python's `apply_chat_template` does.
 */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatTemplate {
  /**
   * The prompt for these messages. With `addGenerationPrompt` (default true) the assistant's turn is begun.
   * @throws HaetaeError LM_REQUEST_INVALID where the template refuses the messages.
   */
  render(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): string;
}
