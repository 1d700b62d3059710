"""Words too common in a language to tell passages apart: question words, articles, pronouns.

Small on purpose, lower case, without diacritics. A language that is not here keeps all its words:
their low idf does most of the same. What dropping them brings: docs/decisions/0020-analyser.md.
"""

from __future__ import annotations

STOP_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "de": (
            "aber als also am an auch auf aus bei bin bis bist da damit dann das dass dein "
            "dem den der des die dies diese dieser dieses doch dort du durch ein eine einem "
            "einen einer eines er es euer fur gibt haben hat hatte hier ich ihm ihn ihr ihre "
            "im in ins ist ja kann kein keine konnen man mein mich mir mit nach nicht noch "
            "nur ob oder ohne sehr sein seine sich sie sind so uber um und uns unser unter "
            "viel viele vom von vor wann war waren warum was welche welchem welchen welcher "
            "welches wem wen wenn wer werden wie wieviel wir wird wo wurde wurden zu zum zur"
        ),
        "en": (
            "a about am an and any are as at be been being but by can could d did do does for "
            "from had has have he her him his how i if in into is it its ll m me my no not of "
            "on or our re s shall she should so t than that the their them then there these "
            "they this those to ve was we were what when where which who whom whose why will "
            "with would you your"
        ),
        "es": (
            "a al algo como con cual cuales cuando cuanta cuantas cuanto cuantos de del desde "
            "donde e el ella ellas ellos en entre era eran eres es esa esas ese eso esos esta "
            "estaba estan estas este esto estos fue fueron ha habia han hasta hay la las le "
            "les lo los mas me mi muy no nos o para pero por porque que quien quienes se ser "
            "si sin sobre son su sus tambien te tiene tu un una unas uno unos y ya yo"
        ),
        "fr": (
            "a ai au aux avait avec c ce ces cet cette combien comme comment d dans de des "
            "dont du elle elles en est et etaient etait ete etre eu il ils j je l la le les "
            "leur leurs lui m ma mais me mes moi mon n ne nos notre nous on ont ou par pas "
            "plus pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se "
            "sera ses si son sont sur t ta te tes toi ton tu un une vos votre vous y"
        ),
        "hu": (
            "a abban ahhoz aki akik akkor alatt altal amely amelyek ami amit arra az azok azt "
            "azzal be csak de e egy ehhez ek el en es ez ezek ezt fel ha hany hanyan hogy "
            "hogyan hol ide is itt ki kik le legyen lesz lett meg mely melyik mennyi mert mi "
            "miert mik mikor mint mit most nagyon nem o ok ott s sem szerint ugy utan vagy "
            "vagyok van vannak volt voltak"
        ),
        "it": (
            "a ad agli ai al alla alle anche c che chi ci come con cosa cui d da dagli dai "
            "dal dalla dalle de degli dei del della delle dello di dove e ed era erano essere "
            "fu furono gli ha hanno i il in io l la le lei lo loro lui ma mi mio ne negli nei "
            "nel nella nelle no non o per perche piu qual quale quali quando quanta quante "
            "quanti quanto quello questa queste questi questo se si sia sono su sua sue sui "
            "sul sulla suo suoi te ti tra tu un una uno vi"
        ),
        "nl": (
            "aan al als bij dan dat de deze die dit doen door dus een en er ge geen had "
            "hadden heb hebben heeft het hij hoe hoeveel hun ik in is je kan kunnen maar me "
            "meer men met mijn na naar niet nog nu of om onder ons ook op over te tot u uit "
            "uw van veel voor waar waarom wanneer was wat we welk welke werd werden wie wij "
            "worden wordt ze zich zij zijn zo zou"
        ),
        "pt": (
            "a ao aos as com como da das de dela dele deles do dos e ela elas ele eles em "
            "entre era eram essa esse esta estao estas este estes eu foi foram ha isso isto "
            "ja lhe mais mas me meu minha muito na nao nas no nos o onde os ou para pela "
            "pelas pelo pelos por porque quais qual quando quanta quantas quanto quantos que "
            "quem sao se sem ser seu seus sua suas tambem te tem um uma umas uns voce"
        ),
        "ro": (
            "a acea aceasta acest acesta aceste acestea acestei acestor acestui ai al ale "
            "alor am ar are as asta astfel asupra atunci au avea aveau avem aveti avut ca "
            "cand care carei careia caror carora carui caruia cat cata cate cati catre ce cea "
            "cei cel cele celor ci cine cu cui cum da daca dar de decat deci despre din "
            "dintre doar dupa e ea ei el ele era erau este esti eu fi fie fiind fost i iar ii "
            "il imi in intr intre isi iti l la le li lor lui m mai mea mei meu mi n ne ni noi "
            "nostru nu o ori pe pentru peste prin s sa sai sale sau se si sunt suntem sunteti "
            "t te ti toate tot tu un una unde unei unele unor unui unul v va vi voi vom vor "
            "vreo"
        ),
    }.items()
}
