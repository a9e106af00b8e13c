/** All forms. A new one is a file and a line here. */
import { articleContentForm } from './article-content.js';
import { counterpartyForm, numberForm, responsibleBodyForm } from './blank-forms.js';
import { controlDemandForm, controlJudgedForm, controlNameForm } from './control-forms.js';
import { definitionJudgedForm, definitionMeaningForm, definitionTermForm } from './definition-forms.js';
import type { Form } from './form.js';
import { guideDescriptionForm, guidePairForm, guideTermForm } from './guide-forms.js';
import { guideStatementForm, guideTopicForm } from './guide-statement-forms.js';
import { headingForm } from './heading-form.js';
import { exceptionListForm, listForm, prohibitedActForm } from './list-form.js';
import { neighbouringArticlesForm } from './neighbouring-articles.js';
import { offenceForm, penaltyForm } from './penalty-form.js';
import { purposeForm } from './purpose-form.js';
import { exceptionForm, statementForms } from './statement-forms.js';

export const forms: readonly Form[] = [
  purposeForm,
  definitionMeaningForm,
  definitionTermForm,
  definitionJudgedForm,
  ...statementForms,
  exceptionForm,
  exceptionListForm,
  prohibitedActForm,
  listForm,
  numberForm,
  responsibleBodyForm,
  counterpartyForm,
  penaltyForm,
  offenceForm,
  articleContentForm,
  neighbouringArticlesForm,
  headingForm,
  controlNameForm,
  controlDemandForm,
  controlJudgedForm,
  guideDescriptionForm,
  guideTermForm,
  guidePairForm,
  guideStatementForm,
  guideTopicForm,
];
