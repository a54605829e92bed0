// Russian.

import Domain
import Gate

/// The texts in Russian.
struct Russian: Catalogue {
    let code = "ru"

    func text(_ text: Text) -> Markup {
        switch text {
        case .promptHello(let mention, let channels):
            """
            Здравствуйте, \(mention)! Чтобы писать в этой группе, подпишитесь на каналы ниже, затем нажмите кнопку.

            \(channels)
            """
        case .promptWelcome(let mention, let channels):
            """
            Добро пожаловать, \(mention)! Чтобы писать в этой группе, подпишитесь на каналы ниже, затем нажмите кнопку.

            \(channels)
            """
        case .promptLeft(let mention, let left, let channels):
            """
            \(mention), вы больше не можете писать в этой группе: вы отписались от канала \(left). \
            Подпишитесь на каналы ниже, затем нажмите кнопку.

            \(channels)
            """
        case .promptMany(let mentions, let more, let channels):
            """
            \(mentions)\(more > 0 ? " и ещё \(more)" : ""): чтобы писать в этой группе, подпишитесь на каналы ниже, \
            затем нажмите кнопку.

            \(channels)
            """
        case .promptRefused(let mention, let channels):
            """
            \(mention), ваше сообщение удалено: здесь пишут только подписчики каналов ниже. \
            Подпишитесь и напишите снова.

            \(channels)
            """
        case .standingNotice(let waiting, let channels):
            """
            Чтобы писать здесь, подпишитесь: \(channels). Затем нажмите кнопку.
            \(Plural.russian(
                waiting, "Ждёт \(waiting) человек.", "Ждут \(waiting) человека.", "Ждут \(waiting) человек."))
            """
        case .channelSpeaker(let channel):
            "Писать от имени канала (\(channel)) здесь нельзя. Пожалуйста, пишите от своего имени."
        case .checkFailed(let mentions, let more):
            """
            \(mentions)\(more > 0 ? " и ещё \(more)" : ""), сейчас не удаётся проверить вашу подписку, поэтому \
            сообщение удалено. Напишите снова через несколько минут.
            """
        case .checksFail:
            """
            Сейчас не удаётся проверять подписки. Пока это так, сообщения удаляются. Никто не ограничен; \
            попробуйте позже.
            """
        case .greeting:
            """
            Спасибо, что добавили меня. Три шага, и писать здесь будут только подписчики ваших каналов:
            1. Назначьте меня администратором здесь: удалять сообщения, ограничивать участников.
            2. Назначьте меня администратором канала.
            3. Отправьте <code>/protect @yourchannel</code>.
            """
        case .noticeBrokenLink(let channel, let group):
            """
            Канал \(channel) группы <b>\(group)</b> больше нельзя проверить, поэтому он пока не требуется. \
            Снова назначьте меня администратором канала; я проверяю каждый час.
            """
        case .noticeRightLost(let rights, let group):
            "Я больше не могу защищать группу <b>\(group)</b>. Дайте мне право: \(names(rights))."
        case .noticeInGroup(let owner, let notice):
            "\(owner): \(notice)"
        case .welcome:
            """
            <b>Nezuko</b> позволяет писать в вашей группе только подписчикам ваших каналов.

            Кто не подписан, получает ограничение и список каналов, а снимает его одной кнопкой.
            """
        case .noticesOn:
            "Буду писать сюда, когда вашей группе что-то нужно: не хватает права, канал нельзя проверить."
        case .heldIn(let group, let channels):
            """
            Чтобы писать в группе <b>\(group)</b>, подпишитесь на каналы:

            \(ticks(channels))

            Затем нажмите кнопку.
            """
        case .heldNowhere:
            "Я не ограничиваю вас ни в одной группе."
        case .groupNotProtected:
            "Эта группа не защищена."
        case .joinRequest(let group, let channels):
            """
            Вы попросились в группу <b>\(group)</b>. Она открыта для подписчиков: \(channels). \
            Подпишитесь и нажмите кнопку.
            """
        case .menuSetup:
            """
            <b>Настройка в три шага</b>
            1. Добавьте меня в супергруппу администратором с правами удалять сообщения и ограничивать участников.
            2. Добавьте меня в канал администратором.
            3. В группе отправьте <code>/protect @yourchannel</code>.
            """
        case .menuHowItWorks:
            """
            <b>Как это работает</b>
            Когда кто-то пишет в группе, я смотрю, подписан ли он на нужные каналы. Если нет, сообщение удаляется, \
            автор получает ограничение и список каналов. Он подписывается, нажимает кнопку и может писать. \
            Кто отписался, ограничен снова; кто вернулся, свободен.
            """
        case .menuCommands:
            """
            <b>В группе</b>
            /protect – требовать каналы
            /unprotect – выключить или убрать канал
            /status – состояние и числа
            /settings – тексты и поведение
            /why – почему человек ограничен или нет
            /release – освободить человека на сутки
            /pause – остановить всё на время
            /exempt – разрешить человеку писать всегда
            /stats – статистика группы
            /verify – проверить меня сейчас
            /id – идентификаторы

            <b>Здесь</b>
            /privacy – что я храню
            /forget – удалить то, что относится к вам
            """
        case .menuHelp:
            """
            <b>Что нужно</b>
            • Группа является супергруппой, и я в ней администратор: удалять сообщения, ограничивать участников.
            • Я администратор каждого требуемого канала.

            <b>Частые затруднения</b>
            • <i>Никого не проверяют:</i> /status назовёт недостающее право или недоступный канал.
            • <i>Кто-то остаётся ограничен:</i> ему нужно нажать кнопку или отправить /verify. Я не снимаю \
            ограничений, которые поставил администратор.
            • <i>Почему человек ограничен?</i> /why в ответ на подсказку или ему.
            • <i>Человек должен писать в любом случае:</i> /exempt в ответ на его сообщение.
            """
        case .menuAddToGroup:
            "Нажмите кнопку и выберите группу. Затем отправьте в ней <code>/protect @yourchannel</code>."
        case .groupHint:
            """
            Я позволяю писать здесь только подписчикам ваших каналов.
            Администратор начинает с <code>/protect @yourchannel</code>.
            """
        case .onlyInGroups: "Эта команда работает только в группах."
        case .onlyInPrivate: "Пожалуйста, отправьте эту команду мне в личный чат."
        case .groupAdminsOnly: "Эта команда доступна только администраторам группы."
        case .restrictRightNeeded:
            "Эта команда доступна только владельцу и администраторам, которые могут ограничивать участников."
        case .botAdminsOnly: "Эта команда доступна только администраторам."
        case .permissionsUnknown: "Не удалось проверить права. Попробуйте ещё раз."
        case .basicGroup:
            """
            Ограничивать людей можно только в супергруппе. Превратите в неё эту группу: настройки группы, история \
            чата для новых участников, видна. Затем повторите команду.
            """
        case .tooFast: "Слишком много команд. Подождите минуту."
        case .unknownCommand: "Я не знаю такой команды. Смотрите /help."
        case .somethingWrong(let reference):
            "Что-то пошло не так, попробуйте ещё раз. Код: <code>\(reference)</code>"
        case .telegramSilent: "Telegram не ответил, попробуйте через минуту."
        case .protectUsage:
            """
            Какие каналы требовать? От 1 до 5:
            <code>/protect @channel</code>
            <code>/protect https://t.me/channel</code>
            <code>/protect -1001234567890</code>
            Или ответьте командой /protect на пост, пересланный из канала. С <code>observe</code> в конце я только \
            наблюдаю.
            """
        case .chooseChannel(let group):
            "Какой канал требовать в группе <b>\(group)</b>? Нажмите кнопку внизу или перешлите мне пост из него."
        case .tooManyChannels: "Не больше 5 каналов за раз."
        case .channelNotFound(let name):
            """
            Канал не найден: \(name)
            Обычно имя написано с ошибкой, или канал частный, а я ещё не его администратор.
            """
        case .notAChannel(let name): "\(name) – это не канал."
        case .botNotInChannel(let title):
            """
            Я не администратор канала \(title). Откройте канал, «Администраторы», «Добавить администратора» и \
            выберите меня. Затем повторите команду.
            """
        case .callerNotInChannel(let title):
            "Канал \(title) частный. Требовать его может только его администратор."
        case .anonymousCaller(let title):
            "Канал \(title) частный, а вы здесь анонимны. Отправьте команду от своего имени."
        case .ownRequiredChannel: "Группа не может требовать подписки на саму себя."
        case .missingRights(let rights): "Сначала дайте мне права администратора: \(names(rights))."
        case .inviteRightNeeded(let title):
            "У канала \(title) нет ссылки-приглашения, которую я могу показать. Дайте мне там право приглашать."
        case .protected(let group, let channels, let isObserving):
            """
            Группа <b>\(group)</b> защищена.

            Требуемые каналы:
            \(list(channels))

            \(isObserving ? "Только наблюдение: ничего не делается." : "Проверяются: сообщения, вступления, отписки." as Markup)
            """
        case .otherRestrictingBot(let name):
            "\nЗдесь есть ещё один бот с правом ограничивать участников: \(name). Два таких бота снимают ограничения друг друга."
        case .notProtected: "Эта группа не защищена."
        case .alreadyDisabled: "Защита уже выключена. Включить снова: /protect."
        case .disabled(let releasing):
            """
            Защита выключена. Настройки сохранены; включить снова: /protect.
            \(Plural.russian(
                releasing, "Освобождается \(releasing) участник.", "Освобождаются \(releasing) участника.",
                "Освобождаются \(releasing) участников."))
            """
        case .channelNotLinked(let name): "\(name) здесь не требуется."
        case .channelRemoved(let name, let left):
            """
            \(name) больше не требуется. \(Plural.russian(
                left, "Остался \(left) канал.", "Осталось \(left) канала.", "Осталось \(left) каналов."))
            """
        case .lastChannelRemoved(let name):
            """
            \(name) больше не требуется. Это был последний канал, поэтому защита выключена, а ограниченные \
            участники освобождаются.
            """
        case .purgeAsked:
            """
            Защита выключится, ограниченные мной будут освобождены, а потом удалится всё, что я храню об этой группе: \
            настройки, ограничения, решения, числа. Вернуть это нельзя.
            """
        case .purgeBegun(let releasing):
            """
            Защита выключена. Освобождаю ограниченных: \(releasing). Когда никто больше не ограничен, всё об этой \
            группе удалится.
            """
        case .statusState(let state): "Защита: \(stateName(state))"
        case .statusGroup(let title, let members, let age):
            "Группа: <b>\(title)</b>, \(count(members, "участников", age))"
        case .statusChannel(let name, let subscribers, let age, let isBroken):
            "• \(name), \(count(subscribers, "подписчиков", age))\(isBroken ? " – недоступен: не могу проверить" : "")"
        case .statusHeld(let held): "Ограничено мной сейчас: \(held)"
        case .statusDay(let verified, let restricted):
            "За 24 ч: проверено \(verified), ограничено \(restricted)"
        case .statusObserved(let people):
            "За 24 ч было бы ограничено: \(people) \(Plural.russian(people, "человек", "человека", "человек"))"
        case .statusRights(let missing):
            switch missing {
            case nil: "Мои права: н/д"
            case .some(let rights): rights.isEmpty ? "Мои права: все" : "Мои права: не хватает: \(names(rights))"
            }
        case .statusNotices(let reach):
            switch reach {
            case .owner: "Уведомления: владельцу лично"
            case .administrators(let count):
                "Уведомления: лично \(count) \(Plural.russian(count, "администратору", "администраторам", "администраторам"))"
            case .nobody: "Уведомления: только строкой в этой группе"
            }
        case .statusNotProtected:
            """
            Защита: нет
            1. Назначьте меня администратором: удалять сообщения, ограничивать участников.
            2. Назначьте меня администратором канала.
            3. Отправьте <code>/protect @yourchannel</code>.
            """
        case .settingsTitle: "<b>Настройки</b> (изменить: <code>/settings ключ значение</code>)"
        case .settingsSaved(let key, let value): "Сохранено: <code>\(key)</code> = \(value)"
        case .settingsReset: "Все настройки сброшены."
        case .settingsUnknownKey(let key, let keys): "Настройки <code>\(key)</code> нет. Есть: \(keys)"
        case .settingsBadValue(let key, let valid): "<code>\(key)</code> принимает: \(valid)"
        case .settingValid(let key): valid(key)
        case .settingBuiltIn: "<i>встроенный текст</i>"
        case .exemptUsage:
            """
            Ответьте человеку командой /exempt, или <code>/exempt @name</code>, <code>/exempt id</code>; \
            отменить: добавьте <code>off</code>.
            """
        case .exempted(let person): "\(person) может писать здесь в любом случае."
        case .exemptionEnded(let person): "\(person) снова проверяется, как все."
        case .exemptionsFull: "Исключений уже 200. Сначала уберите одно."
        case .personUnknown(let name, let command):
            "Я не знаю, кто такой \(name). Ответьте на его сообщение командой /\(command.rawValue)."
        case .personSeveral(let people, let command):
            """
            Это сообщение о нескольких людях. Выберите: <code>/\(command.rawValue) id</code>
            \(people)
            """
        case .whyUsage:
            """
            Ответьте командой /why на подсказку или человеку, или <code>/why @name</code>, <code>/why id</code>.
            """
        case .whyNothing(let person, let state):
            """
            О человеке \(person) за последние 30 дней ничего не записано.
            Сейчас: \(word(.state(state)))
            """
        case .whyPerson(let person, let state): "\(person), сейчас: \(word(.state(state)))"
        case .decision(let decision): decision.markup(in: self)
        case .decisionUnreadable(let id):
            "\nРешение \(id) записано другой версией. Спросите того, кто меня запускает."
        case .releaseUsage:
            """
            Ответьте командой /release на подсказку или человеку, или <code>/release @name</code>, \
            <code>/release id</code>.
            """
        case .released(let person, let since, let missing):
            """
            \(person) снова может писать и 24 часа не проверяется. \
            Ограничение стояло с \(since): нет подписки на \(missing.joined(separator: ", ")).
            """
        case .releaseUnderWay(let person, let since, let missing):
            """
            С \(person) снимается ограничение, которое стоит с \(since); 24 часа проверки не будет.
            \(missing.isEmpty
                ? "Telegram ещё не выполнил это; я продолжаю попытки." as Markup
                : "Telegram отказывает: дайте мне право \(names(missing)). Я продолжаю попытки.")
            """
        case .releaseNotHeld(let person, let isRestricted):
            isRestricted
                ? "\(person): ограничение не моё, его поставил администратор, и снять может только он."
                : "\(person): моего ограничения нет."
        case .pauseUsage(let isPrivate):
            isPrivate
                ? "Что остановить: <code>/pause all 1h</code>, <code>/pause -100… 1h</code>; закончить: <code>off</code>."
                : """
                <code>/pause</code> останавливает всё на час, <code>/pause 2h</code> на два; закончить: \
                <code>/pause off</code>.
                """
        case .badDuration: "Срок: <code>30m</code>, <code>2h</code> или <code>1d</code>, не больше <code>7d</code>."
        case .paused(let until, let isAll):
            """
            Пауза\(isAll ? " во всех группах" : "") до \(until): никто не ограничивается, сообщения не удаляются. \
            Снять ограничение по-прежнему можно. Потом всё пойдёт само; раньше: \
            <code>/pause \(isAll ? "all " : "")off</code>.
            """
        case .pauseEnded(let isAll): "Пауза\(isAll ? " во всех группах" : "") закончена."
        case .modeObserve(let releasing):
            """
            Только наблюдение: я решаю и записываю, что сделал бы, но ничего не делаю. /status скажет, сколько людей \
            было бы ограничено.\(releasing == 0 ? "" : "\nОсвобождаю ограниченных: \(releasing).")
            """
        case .modeEnforce: "Защита действует: кто не подписан, ограничивается и узнаёт почему."
        case .statistics(let days, let verifications, let restrictions, let rate, let errors, let topHour):
            """
            <b>За \(days) \(Plural.russian(days, "день", "дня", "дней"))</b>
            Проверок: \(verifications)
            Ограничений: \(restrictions)
            Успешных: \(rate.map { "\($0)%" } ?? "н/д")
            Не удалось проверить: \(errors)
            Самый активный час: \(topHour.map { "\(Hour.name($0)) UTC" } ?? "н/д")
            """
        case .statisticsUsage: "Выберите период: <code>/stats 7d</code> или <code>/stats 30d</code>."
        case .ids(let chat, let user):
            """
            Чат: <code>\(chat.value)</code>\(user.map { Markup("\nВы: <code>\($0.value)</code>") } ?? "")
            """
        case .privacy(let logDays):
            """
            <b>Что я храню о людях</b>
            • Решения в защищённых группах с вашим идентификатором: что проверено, что сделано; 30 дней.
            • Результаты проверок подписки и мои обращения к Telegram без содержания; дней: \(logDays).
            • Ограничения, которые я поставил: до 400 дней после снятия.
            • Исключения, которые дали вам администраторы: до суток после окончания.
            • Сколько команд вы отправили за день: 400 дней.
            • Если вы запустили или заблокировали меня здесь или владеете защищённой группой: идентификатор, имя \
            пользователя, язык.

            Сообщений я не храню. /forget удаляет то, что относится к вам.
            """
        case .forgetAsked:
            """
            <b>Забыть вас?</b>
            Я удалю число ваших команд и решения о вас, уберу ваш идентификатор из результатов проверок и сотру имя \
            пользователя и язык. Ограничение, которое я поставил, остаётся, пока не будет снято, а то, что вы сделаете \
            дальше, сохраняется снова. Отменить это нельзя.
            """
        case .forgotten(let days, let decisions, let verifications):
            "Готово. Удалено: дней активности \(days), решений \(decisions). Проверок без вашего идентификатора: \(verifications)."
        }
    }

    func toast(_ toast: Toast) -> String {
        switch toast {
        case .notForYou: "Эта кнопка не для вас."
        case .stillMissing(let names, let more):
            "Осталось подписаться: \(names)\(more > 0 ? " и ещё \(more)" : "")"
        case .telegramSilent: "Telegram не ответил, попробуйте через минуту."
        case .canWriteNow: "Теперь вы можете писать."
        case .opensInAMoment: "Подписка подтверждена, писать можно будет через мгновение"
        case .canWriteHere: "Вы можете здесь писать."
        case .restrictedByAdmin: "Вас ограничил администратор. Снять это может только он."
        case .noLongerProtected: "Эта группа больше не защищена."
        case .checking: "Проверяю, секунду…"
        case .outOfDate: "Эта кнопка устарела."
        case .noPayments: "Оплата сейчас недоступна."
        case .somethingWrong: "Что-то пошло не так, попробуйте ещё раз."
        }
    }

    func label(_ label: Label) -> String {
        switch label {
        case .join(let title): Naming.clipped("Подписаться: \(title)", maximum: 64)
        case .verify: "Я подписался"
        case .verifyInPrivate: "Проверить в личном чате"
        case .setup: "Настройка"
        case .howItWorks: "Как это работает"
        case .commands: "Команды"
        case .help: "Помощь"
        case .addToGroup: "Добавить в группу"
        case .back: "Назад"
        case .release: "Освободить"
        case .exempt: "Исключение"
        case .endPause: "Закончить паузу"
        case .watchFirst: "Сначала наблюдать"
        case .enforce: "Включить защиту"
        case .notices: "Уведомления в личный чат"
        case .chooseChannel: "Выбрать канал"
        case .forget: "Да, забыть меня"
        case .purge: "Удалить всё"
        }
    }

    func menuLine(_ command: CommandName) -> String {
        switch command {
        case .start: "Меню и группы, где вы ограничены"
        case .help: "Что нужно и частые затруднения"
        case .protect: "Требовать каналы в этой группе"
        case .unprotect: "Выключить защиту или убрать канал"
        case .status: "Состояние, каналы и числа"
        case .settings: "Показать и изменить настройки"
        case .verify: "Проверить мои подписки сейчас"
        case .exempt: "Разрешить человеку писать всегда"
        case .release: "Снять моё ограничение с человека"
        case .why: "Почему я так поступил с человеком"
        case .pause: "Остановить всё на время"
        case .stats: "Статистика этой группы"
        case .id: "Идентификаторы чата и ваш"
        case .privacy: "Что я храню о людях"
        case .forget: "Удалить то, что хранится о вас"
        }
    }

    func word(_ word: TraceWord) -> String {
        switch word {
        case .occasion(let occasion):
            switch occasion {
            case .message: "Сообщение"
            case .edit: "Правка сообщения"
            case .join: "Вступление в группу"
            case .joinRequest: "Заявка на вступление"
            case .recheck: "Повторная проверка"
            case .button: "Нажатие кнопки"
            case .byHand: "Изменение вручную"
            }
        case .outcome(let outcome, let isDone):
            switch outcome {
            case "hold": isDone ? "ограничение" : "было бы ограничение"
            case "delete": isDone ? "сообщение удалено" : "сообщение было бы удалено"
            case "release": "ограничение снято"
            case "allow": "пропущено"
            case "ignore": "не рассматривается"
            case "approve": "впущен"
            case "refused": "Telegram отказал"
            default: "без изменений"
            }
        case .reason(let reason): self.reason(reason)
        case .standing(let fact):
            switch fact {
            case .member: "подписан"
            case .notMember: "не подписан"
            case .inferredNotMember: "не подписан: Telegram не знает его там"
            case .failed(let failure): "не удалось проверить: \(failure)"
            case .unreachable(let failure): "мне не виден: \(failure)"
            case nil: "не проверялось"
            }
        case .fromMemory(let seconds): "из памяти, \(seconds) с назад"
        case .asked(let milliseconds): "запрос, \(milliseconds) мс"
        case .effect(let kind):
            switch kind {
            case .delete: "удалить сообщение"
            case .restrict: "ограничить"
            case .lift: "снять ограничение"
            case .approve: "впустить"
            case .prompt: "подсказка"
            case .edit, .expire: "обновить подсказку"
            case .send: "заметка"
            case .notify: "уведомление администраторам"
            case .recheck: "проверить ещё раз"
            case nil: "действие другой версии"
            }
        case .result(let result, let failure, let milliseconds, let attempts):
            switch result {
            case .done: "сделано за \(milliseconds) мс"
            case .failed: "не вышло: \(failure ?? "неизвестно")"
            case .waiting: "ещё раз после \(failure ?? "паузы"), попытка \(attempts)"
            }
        case .state(let state):
            switch state {
            case .held(let since, let isTold, let presses):
                "ограничен мной с \(since), \(isTold ? "сообщено" : "ещё не сообщено"), нажатий: \(presses)"
            case .releasing: "ограничение снимается"
            case .orphaned: "ограничен мной; сниму, когда меня вернут в группу"
            case .notHeld: "мной не ограничен"
            case .restrictedByAdmin: "мной не ограничен; ограничен администратором"
            }
        }
    }

    // MARK: - Parts

    private func reason(_ reason: DecisionReason) -> String {
        switch reason {
        case .notSubscribed: "нет подписки"
        case .alreadyHeld: "уже ограничен"
        case .other(let word): word
        case .rule(let rule):
            switch rule {
            case .notAGroup: "не группа"
            case .serviceMessage: "служебное сообщение"
            case .notProtected: "группа не была защищена"
            case .linkedPost: "запись связанного канала"
            case .anonymousAdmin: "анонимный администратор"
            case .senderChatAllowed: "от имени канала, которому можно"
            case .senderChat: "от имени канала, здесь так нельзя"
            case .bot: "бот"
            case .exempt: "исключение"
            case .subscribed: "есть все подписки"
            case .admin: "администратор"
            case .checkFailed: "Telegram не ответил"
            case .channelsUnreachable: "ни один канал нельзя проверить"
            case .notInGroup: "нет в группе"
            case .notHeld: "не ограничен"
            }
        case .release(let release):
            switch release {
            case .verified: "есть все подписки"
            case .event: "подписался на каналы"
            case .admin: "решение администратора"
            case .adminRestricted: "ограничен администратором"
            case .unprotected: "группа или канал больше не под защитой"
            case .undo: "отменено администратором"
            case .reconcile: "приведено в порядок"
            case .left: "вышел из группы"
            case .refused: "Telegram отказал в ограничении"
            case .failed: "ограничить не удавалось слишком долго"
            }
        }
    }

    private func names(_ rights: [BotRight]) -> String {
        rights.map {
            switch $0 {
            case .restrictMembers: "ограничивать участников"
            case .deleteMessages: "удалять сообщения"
            case .inviteUsers: "приглашать пользователей"
            }
        }.joined(separator: ", ")
    }

    private func stateName(_ state: ProtectionState) -> String {
        switch state {
        case .active: "включена"
        case .observing: "только наблюдение (ничего не делается)"
        case .paused(let until): "пауза до \(until)"
        case .disabled: "выключена"
        case .degraded(let rights): "нарушена (не хватает права: \(names(rights)))"
        case .allBroken: "нарушена (ни один канал нельзя проверить)"
        }
    }

    private func count(_ number: Int64, _ what: String, _ ageMinutes: Int64?) -> String {
        ageMinutes.map { "\(what): \(number) (\($0) мин назад)" } ?? "\(what): н/д"
    }

    private func list(_ names: [String]) -> Markup { .joined(names.map { "• \($0)" }, separator: "\n") }

    private func ticks(_ channels: [CheckedChannel]) -> Markup {
        .joined(channels.map { "\(Tick.mark($0.isMember)) \($0.name)" }, separator: "\n")
    }

    private func valid(_ key: SettingKey) -> Markup {
        switch key {
        case .mode: "<code>enforce</code>, <code>observe</code> (ничего не делается)"
        case .noticeTopic: "номер темы, <code>here</code> (внутри темы), <code>off</code>"
        case .warning:
            "текст до 500 символов; {mention}, {channels} и {group} заменяются, других {…} нет"
        case .joinButton, .verifyButton: "от 1 до 32 символов"
        case .warningTTL: "от 30 до 3600 секунд или <code>0</code>, чтобы оставить"
        case .failMode: "<code>open</code>, <code>closed</code>"
        case .deleteJoins, .allowChannels, .privateVerify: "<code>on</code>, <code>off</code>"
        case .language: .joined(Languages.all.map { "<code>\($0.code)</code>" })
        }
    }
}
