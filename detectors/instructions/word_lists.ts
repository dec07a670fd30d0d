/** The word lists of general English by which sentences are read. None is taken from any attack, tool or data set. */

const set = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(Boolean));

/** Words that any sentence holds. */
export const STOP =
  set(`a an the this that these those and or but if then else so as at by for from in into of off on onto out over to up
  upon with without within about after before between during through until while is am are was were be been being do
  does did done has have had having will would shall should can could may might must not no nor it its it's he him his
  she her hers they them their theirs we us our ours you your yours i me my mine who whom whose which what when where
  why how there here all any both each few more most other some such only own same than too very just also now please
  kindly thank thanks hi hello hey dear regards best sincerely ok okay yes via per etc re vs true false null none nan`);

/** Words so common that meeting one says little. */
export const COMMON =
  set(`get make take go come use want need know see look think find give tell ask work try call keep let begin help show
  new old good great first last long little own right big high small large next early young important public able time
  year people way day man thing woman life child world school state family student group country problem hand part
  place case week company system program question number night point home water room area money story fact month lot
  study book eye job word business issue side kind head house service friend power hour game line end member law car
  city community name team minute idea body information back parent face other level office door health person art war
  history party result change morning reason research moment air teacher force education list read write data text
  content item value type detail message user title id date note file page set add one two three following below above
  today tomorrow yesterday monday tuesday wednesday thursday friday saturday sunday`);

/** Verbs in their base form that orders are given with. */
export const BASE_VERBS =
  set(`decide cluster sum recompute reply respond clean feed dose brew water vacuum dim warm heat cool grade score rank label bump tag pin sync invite hang swap trade sell vote tip dispense administer inject discharge admit refer register enrol renew extend shorten comply multiply backport rebase deprecate onboard offboard triage abort accept access acknowledge activate add adjust advise alert allocate allow alter announce answer
  append apply appoint approve archive arm arrange ask assign attach authorize authorise avoid backup ban begin bill block
  book borrow bring broadcast browse build buy bypass calculate call cancel change charge check choose clear click clone
  close collect combine commit compile complete compose compress configure confirm connect consult contact continue convert
  copy correct create credit cut deactivate debit decline decrease decrypt delegate delete deliver deny deploy deposit
  describe destroy detach dial direct disable disarm discard disclose disconnect discontinue dispatch display dispose
  dismiss distribute donate double download downgrade draft drop dump duplicate edit elevate eliminate email empty enable
  encode encrypt end enroll ensure enter erase escalate evacuate evaluate exchange execute exempt expand expedite export
  extend extract fetch file fill filter finish fix flag follow forget format forward free fund gather generate get give go
  grant halt hand hide hire hold identify ignore implement import include increase inform initiate inject insert inspect
  install instruct invite invoke issue join keep kill launch leave lend let link list load locate lock log login lower mail
  make mark merge message migrate modify mount move mute navigate note notify obtain offer open order output overwrite pass
  paste patch pause pay perform permit phone pick ping place post prepare prescribe present preserve press prevent print
  prioritize proceed process procure promote provide publish pull purchase purge push put query quit raise read reassign
  rebook reboot record redact redeem redirect reduce refer refresh refund register reject release reload relay remind remit
  remove rename renew rent repeat replace reply report request require reroute reschedule reserve reset resolve respond
  restart restore restrict resume retrieve retry return reveal revert review revoke rotate route run save scale scan
  schedule search secure select sell send set settle share shift ship show shut sign silence skip sort specify speak start
  state stop store submit subscribe substitute subtract summarize summarise supply suspend swap switch sync take tell
  terminate test text track trade transcribe transfer transform translate transmit treat trigger truncate turn type unblock
  uninstall unlock unmute unsubscribe update upgrade upload use utilize vacate validate verify view visit void vote wait
  warn whitelist wipe wire withdraw write zip cc bcc sms tweet dm`);

/** Words that may stand before the verb of an order. */
export const OPENERS =
  set(`please kindly now then also first firstly second secondly third next finally lastly just simply so and
  but or immediately always never instead again afterwards additionally furthermore moreover urgent important attention note
  reminder todo action task step hi hello hey dear ok okay well before after once remember btw fyi ps importantly`);

export const DETERMINERS =
  set(`a an the this that these those my your our his her its their all any each every both some no it them
  him us me everything everyone anyone another one two three four five six seven eight nine ten up out off down to`);

/** After what looks like a verb, these show that it is a noun or a subject: "Report of …", "Order is …". */
export const AFTER_NOUN = set(
  `of by is are was were has have had will can may from number no id name status details history list`,
);

export const DUTY = set('must should shall ought needs need required supposed expected obliged');
export const ASKING = set('can could would will');
export const WISH = set(
  'want wants need needs like ask asks asked tell instruct instructed require requires expect request',
);
export const SUBJECT_YOU = set('you assistant agent ai bot model system claude gpt');
export const PRONOUN_OBJECT =
  set(`it them this that these those the all any every each your my his her its their our a an to out
  me us him everything whatever with at over`);
/** They tell of a change that the reader is to take for granted. */
export const DECLARES = set('goes go should belongs now instead henceforth onwards effective changed replaced moved');

/** What a text calls those who read it by machine. */
export const AGENTS = set(
  'assistant assistants agent agents ai bot bots llm model models chatbot copilot gpt claude automation client clients tool tools helper',
);

/** Words that people and tools use for the same thing, by their stems; the first stands for all. */
export const SAME = [
  'webpage website site page web url link',
  'mail email',
  'file document doc attachment',
  'event appoint meet calendar',
  'messag dm chat',
  'account acct',
  'photo pictur imag',
  'phon mobil',
  'thermostat temperatur',
  'repo repositori repository',
  'user person member',
  'payment pay transaction transact',
  'purchas buy order',
  'remov delet eras',
  'creat add make',
  'chang updat modify edit set',
];

/** Fields of life and the words that belong to them, coarsely. */
export const FIELDS = [
  // money
  `pay payment transfer remit wire send-money transaction money invoice bill debt rent salary wage fee fund deposit
   withdraw withdrawal refund reimburse charge amount iban payee beneficiary bank standing debit credit donate donation tip
   settle owe balance cash euro dollar`,
  // messages
  `mail email message write answer reply respond tell inform notify notification send forward letter dm sms text post
   recipient contact greet thank ask announce remind reminder newsletter say broadcast chat inbox draft cc compose`,
  // time
  `calendar event appointment meeting schedule reschedule date invite invitation slot diary agenda reminder session
   attendee participant availability free-time postpone shift roster planner plan`,
  // travel and places
  `travel trip hotel flight train ticket seat room reservation reserve book booking restaurant table car rental rent
   itinerary passenger stay night airline airport check-in cruise couchette hostel tour visa route`,
  // buying
  `buy purchase order cart basket checkout shop product item stock supplier price coupon discount gift card wish wishlist
   return exchange parcel delivery ship shipment warehouse sku reorder catalog merchandise voucher basket`,
  // removing
  `delete remove erase clear empty purge wipe drop clean cleanup discard trash cancel terminate close unsubscribe prune
   archive retire tidy destroy rid stale obsolete`,
  // access
  `password pin secret credential key token permission role access grant revoke admin member collaborator owner share
   sharing visibility public private login account user onboard offboard invite auth group privilege rights unlock lock
   block unblock ban consent policy 2fa mfa`,
  // code
  `code repo repository branch commit merge pull push issue bug test build deploy release version package dependency
   install lint script function compile ci pipeline readme file patch fix refactor upgrade library module migration run
   command shell terminal`,
  // machines
  `server cluster pod deployment node container namespace scale restart instance vm volume snapshot backup bucket dns
   record firewall rule port certificate database db table query env variable config configuration alert silence
   monitoring log host cpu memory disk service incident runbook`,
  // health
  `patient doctor medicine medication dose dosage prescription drug diagnosis lab allergy clinic hospital appointment
   insurance claim health record treatment vaccine nurse symptom therapy refill`,
  // home
  `home house door window lock light lamp thermostat heating temperature alarm camera blind garage sensor device speaker
   tv television vacuum robot automation scene oven room garden sprinkler`,
  // people at work
  `employee candidate applicant hire salary payroll contract vacation leave review manager team staff onboarding cv resume
   interview job position bonus raise personnel hr terminate headcount`,
  // texts and files
  `file document doc folder note page wiki text list sheet spreadsheet table row column slide presentation report copy save
   edit append attachment upload download pdf summary article title heading memo`,
  // publishing
  `post tweet review rating comment publish like follow blog website page profile bio social feed story reply channel star
   recommend vote`,
  // personal data
  `address street phone number name birthday profile city move moved contact email personal id passport identity`,
  // looking things up
  `weather news search find lookup define explain summarize translate transcribe compare read show list tell what who`,
];
